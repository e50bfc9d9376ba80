#include "sampler/samplers/length_buckets.h"

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_set>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::sampler {

namespace {

/// Rows that stay together: their batch within the window and their first row.
struct Unit {
  const GlobalBatch* from;
  size_t row;
  std::vector<Tuple> tuples;  // counted from the unit's first row
  int64_t length = 0;         // of its longest text
};

std::vector<Unit> units_of(const std::vector<GlobalBatch>& batches, int64_t size,
                           const LengthBuckets::Length& length) {
  std::vector<Unit> units;
  for (const GlobalBatch& batch : batches) {
    const size_t first = units.size();
    for (int64_t row = 0; row < batch.rows(); row += size) {
      Unit unit{&batch, static_cast<size_t>(row), {}};
      for (int64_t r = row; r < row + size; ++r)
        unit.length = std::max(unit.length, length(batch.samples[static_cast<size_t>(r)]));
      units.push_back(std::move(unit));
    }
    for (Tuple tuple : batch.tuples) {
      const int64_t number = tuple.anchor / size, shift = number * size;
      tuple.anchor -= shift;
      tuple.other -= shift;
      if (tuple.is_triplet()) tuple.negative -= shift;
      units[first + static_cast<size_t>(number)].tuples.push_back(tuple);
    }
  }
  return units;
}

/// Fills the batches in order.
class Filler {
 public:
  Filler(const Dataset& dataset, int64_t unit, int64_t units_per_batch)
      : dataset_(dataset), unit_(static_cast<size_t>(unit)), wanted_(units_per_batch) {}

  /// Takes units from the front that fit together, then any.
  GlobalBatch fill(std::deque<Unit>& line) {
    GlobalBatch out;
    std::unordered_set<uint64_t> ids;
    std::unordered_set<int64_t> groups;
    std::deque<Unit> waiting;
    int64_t missing = wanted_;
    while (missing > 0 && !line.empty()) {
      Unit unit = std::move(line.front());
      line.pop_front();
      if (goes(unit, ids, groups)) {
        add(unit, out);
        --missing;
      } else {
        waiting.push_back(std::move(unit));
      }
    }
    for (; missing > 0; --missing) {
      add(waiting.front(), out);
      waiting.pop_front();
    }
    line.insert(line.begin(), std::make_move_iterator(waiting.begin()),
                std::make_move_iterator(waiting.end()));
    return out;
  }

 private:
  // If none of the unit's texts and groups is in the batch, adds them and returns true. They may repeat
  // within a unit.
  bool goes(const Unit& unit, std::unordered_set<uint64_t>& ids, std::unordered_set<int64_t>& groups) const {
    const GlobalBatch& b = *unit.from;
    for (size_t r = unit.row; r < unit.row + unit_; ++r)
      if (ids.contains(dataset_.id(b.samples[r])) || groups.contains(b.groups[r])) return false;
    for (size_t r = unit.row; r < unit.row + unit_; ++r) {
      ids.insert(dataset_.id(b.samples[r]));
      groups.insert(b.groups[r]);
    }
    return true;
  }

  void add(const Unit& unit, GlobalBatch& out) const {
    for (Tuple tuple : unit.tuples) {
      const int64_t shift = out.rows();
      tuple.anchor += shift;
      tuple.other += shift;
      if (tuple.is_triplet()) tuple.negative += shift;
      out.tuples.push_back(tuple);
    }
    const GlobalBatch& b = *unit.from;
    out.unit = b.unit;
    out.samples_are_labels = b.samples_are_labels;
    for (size_t r = unit.row; r < unit.row + unit_; ++r) {
      out.samples.push_back(b.samples[r]);
      out.views.push_back(b.views[r]);
      out.labels.push_back(b.labels[r]);
      out.groups.push_back(b.groups[r]);
    }
  }

  const Dataset& dataset_;
  size_t unit_;
  int64_t wanted_;
};

}  // namespace

LengthBuckets::LengthBuckets(std::shared_ptr<const IndexSampler> inner,
                             std::shared_ptr<const Dataset> dataset, Length length, int64_t unit,
                             int64_t window, uint64_t seed)
    : inner_(std::move(inner)),
      dataset_(std::move(dataset)),
      length_(std::move(length)),
      unit_(unit),
      window_(window),
      seed_(seed) {
  if (inner_->learner() != nullptr)
    throw ConfigError(
        "length buckets: expected a sampler that does not learn, since windows are planned ahead; leave "
        "bucket_window out");
  if (window_ < 1 || unit_ < 1 || global_batch() % unit_ != 0)
    throw ConfigError(
        "length buckets: expected a window of at least 1 batch and a batch of whole units, got window " +
        std::to_string(window_) + ", global_batch " + std::to_string(global_batch()) + ", unit " +
        std::to_string(unit_));
}

LengthBuckets::Window LengthBuckets::plan(int64_t number) const {
  const int64_t windows = (batches_per_epoch() + window_ - 1) / window_;
  const int64_t epoch = number / windows, k = number % windows;
  Window taken;
  for (int64_t p = k * window_; p < std::min((k + 1) * window_, batches_per_epoch()); ++p)
    taken.push_back(inner_->batch({epoch, p}));
  std::vector<Unit> units = units_of(taken, unit_, length_);
  std::stable_sort(units.begin(), units.end(),
                   [](const Unit& a, const Unit& b) { return a.length < b.length; });
  std::deque<Unit> line(std::make_move_iterator(units.begin()), std::make_move_iterator(units.end()));
  Filler filler(*dataset_, unit_, global_batch() / unit_);
  Window made;
  for (size_t b = 0; b < taken.size(); ++b) made.push_back(filler.fill(line));
  Random(seed_, Purpose::kShuffle, static_cast<uint64_t>(epoch), static_cast<uint64_t>(k) + 1).shuffle(made);
  return made;
}

GlobalBatch LengthBuckets::batch(Cursor cursor) const {
  check_cursor(cursor, batches_per_epoch());
  const int64_t windows = (batches_per_epoch() + window_ - 1) / window_;
  const int64_t number = cursor.epoch * windows + cursor.position / window_;
  const auto window = windows_.get(number, [this](int64_t n) { return plan(n); });
  GlobalBatch out = (*window)[static_cast<size_t>(cursor.position % window_)];
  out.cursor = cursor;
  return out;
}

}  // namespace lodestone::sampler
