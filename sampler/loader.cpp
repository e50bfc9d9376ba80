#include "sampler/loader.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::sampler {

namespace {

constexpr int kUnitDraws = 64;

}  // namespace

void LoaderConfig::visit(Fields& f) {
  f.field({.name = "workers",
           .doc = "number of threads that read, decode and transform samples",
           .min = 1,
           .max = 256},
          &workers);
  f.field({.name = "depth",
           .doc = "number of batches that are prepared in advance, without the one in use",
           .min = 1,
           .max = 1024},
          &depth);
  f.field({.name = "cache_mib",
           .doc = "memory for a cache of decoded images",
           .unit = "MiB",
           .min = 0,
           .max = 1 << 20},
          &cache_mib);
  bad_records.visit(f);
}

/// The state shared by the workers. It is const, except for the counters, which have their own locks.
struct Loader::Maker {
  std::shared_ptr<const Examples> examples;
  std::shared_ptr<const IndexSampler> sampler;
  Shard shard;
  Cursor start;
  bool augment;
  bool pinned;
  bool leave_out;
  uint64_t seed;
  std::optional<int64_t> batches;
  BadRecords records;

  Batch make(int64_t n, const std::atomic<bool>& stop);
  bool fill(GlobalBatch& global, Batch& batch, const std::atomic<bool>& stop);
  bool add_row(const GlobalBatch& global, size_t row, FeatureBuilder& builder, Batch& batch);
  void replace_bad_units(GlobalBatch& global, Range share);
  void replace_unit(GlobalBatch& global, int64_t first, Range share);
  bool sound(const GlobalBatch& from, int64_t first, int64_t into, Range share);
};

Batch Loader::Maker::make(int64_t n, const std::atomic<bool>& stop) {
  if (batches && n >= *batches) return {};  // prefetched beyond the end; never handed out
  for (;;) {
    Batch batch;
    GlobalBatch global = sampler->batch(advance(start, n, sampler->batches_per_epoch()));
    batch.cursor = global.cursor;
    batch.global_rows = global.rows();
    batch.share = share_of(batch.global_rows, shard);
    if (fill(global, batch, stop)) return batch;
  }
}

// Returns false if a row of a unit turned out to be bad. That is now known, so the next attempt replaces the
// unit.
bool Loader::Maker::fill(GlobalBatch& global, Batch& batch, const std::atomic<bool>& stop) {
  if (records.skips() && global.unit > 1) replace_bad_units(global, batch.share);
  const auto builder = examples->builder(batch.share.size());
  for (int64_t row = batch.share.begin; row < batch.share.end && !stop; ++row)
    if (!add_row(global, static_cast<size_t>(row), *builder, batch)) return false;
  batch.features = builder->finish();
  if (pinned) batch.features = batch.features.pinned();
  batch.tuples = std::move(global.tuples);
  return true;
}

bool Loader::Maker::add_row(const GlobalBatch& global, size_t row, FeatureBuilder& builder, Batch& batch) {
  const RowDraw draw{global.cursor.epoch, global.cursor.position, global.views[row], augment};
  const auto add = [&](int64_t sample) { builder.add(sample, draw); };
  const int64_t asked = global.samples[row];
  int64_t index = asked;
  if (leave_out || global.unit > 1) {
    if (!records.try_read(asked, add)) return leave_out;
  } else {
    index = records.fetch(asked, global.cursor.epoch, add);
  }
  const Dataset& data = *examples->dataset();
  const bool own = index == asked;
  batch.labels.push_back(own ? global.labels[row] : global.samples_are_labels ? index : data.label(index));
  batch.groups.push_back(own                         ? global.groups[row]
                         : global.samples_are_labels ? index
                                                     : data.group(batch.labels.back()));
  batch.ids.push_back(static_cast<int64_t>(data.id(index)));
  batch.indices.push_back(index);
  return true;
}

void Loader::Maker::replace_bad_units(GlobalBatch& global, Range share) {
  for (int64_t first = share.begin / global.unit * global.unit; first < share.end; first += global.unit)
    if (!sound(global, first, first, share)) replace_unit(global, first, share);
}

// Whether the unit of `from` that begins at `first` can be read, as far as is known, if it is placed at row
// `into`. It reads rows of other ranks; this rank's own rows are read when they are added.
bool Loader::Maker::sound(const GlobalBatch& from, int64_t first, int64_t into, Range share) {
  for (int64_t k = 0; k < from.unit; ++k) {
    const int64_t sample = from.samples[static_cast<size_t>(first + k)];
    if (records.knows(sample)) return false;
    const bool mine = into + k >= share.begin && into + k < share.end;
    const auto look = [&](int64_t index) { examples->builder(1)->add(index, {from.cursor.epoch}); };
    if (!mine && !records.try_read(sample, look)) return false;
  }
  return true;
}

// Replaces the unit by another one of the epoch, drawn with the bad one's samples as key, so that all ranks
// draw the same. A pair's label is kept, since ranks without its rows also have the tuple.
void Loader::Maker::replace_unit(GlobalBatch& global, int64_t first, Range share) {
  uint64_t key = 0;
  for (int64_t k = 0; k < global.unit; ++k)
    key = 31 * key + examples->dataset()->id(global.samples[static_cast<size_t>(first + k)]);
  const int64_t epoch = global.cursor.epoch;
  Random random(seed, Purpose::kSampler, static_cast<uint64_t>(epoch), key);
  for (int draw = 0; draw < kUnitDraws; ++draw) {
    const auto batches_there = static_cast<uint64_t>(sampler->batches_per_epoch());
    const GlobalBatch other = sampler->batch({epoch, static_cast<int64_t>(random.below(batches_there))});
    const auto unit = static_cast<int64_t>(random.below(static_cast<uint64_t>(other.rows() / other.unit)));
    const int64_t begin = unit * other.unit;
    const auto tuple = static_cast<size_t>(first / global.unit);
    if (!global.tuples.empty() && global.tuples[tuple].same != other.tuples[static_cast<size_t>(unit)].same)
      continue;
    if (!sound(other, begin, first, share)) continue;
    const auto copy = [&](const auto& from, auto& to) {
      std::copy_n(from.begin() + begin, other.unit, to.begin() + first);
    };
    copy(other.samples, global.samples);
    copy(other.views, global.views);
    copy(other.labels, global.labels);
    copy(other.groups, global.groups);
    return;
  }
  throw DataError("bad records: expected a readable tuple or row in place of that of the bad " +
                  examples->dataset()->key(global.samples[static_cast<size_t>(first)]) + ", got none in " +
                  std::to_string(kUnitDraws) + " draws; repair the data set");
}

Loader::Loader(std::shared_ptr<const Examples> examples, std::shared_ptr<const IndexSampler> sampler,
               Shard shard, LoaderConfig config, uint64_t seed, Cursor start, bool augment,
               std::optional<int64_t> batches)
    : start_(start) {
  if (config.workers < 1 || config.depth < 1)
    throw ConfigError("loader: expected workers and depth of at least 1, got " +
                      std::to_string(config.workers) + " and " + std::to_string(config.depth));
  check_cursor(start, sampler->batches_per_epoch());
  share_of(sampler->global_batch(), shard);
  const auto dataset = examples->dataset();
  // NOLINTNEXTLINE(modernize-make-unique): an aggregate, of which a member cannot be moved
  maker_.reset(new Maker{std::move(examples), std::move(sampler), shard, start, augment, config.pinned,
                         config.leave_out, seed, batches, BadRecords(dataset, config.bad_records, seed)});
  if (batches && *batches == 0) return;
  prefetcher_ = std::make_unique<Prefetcher<Batch>>(
      [maker = maker_.get()](int64_t n, const std::atomic<bool>& stop) { return maker->make(n, stop); },
      config.workers, config.depth);
}

Loader::~Loader() = default;

Batch Loader::next() {
  if (!has_next()) throw ConfigError("loader: next() was called after the last batch; ask has_next() first");
  Batch batch = prefetcher_->next();
  ++delivered_;
  return batch;
}

bool Loader::has_next() const {
  return !maker_->batches || delivered_ < *maker_->batches;
}

Cursor Loader::cursor() const {
  return advance(start_, delivered_, maker_->sampler->batches_per_epoch());
}

int64_t Loader::ready() const {
  return prefetcher_ ? prefetcher_->ready() : 0;
}

double Loader::seconds_waited() const {
  return prefetcher_ ? prefetcher_->seconds_waited() : 0.0;
}

int64_t Loader::bad_records() const {
  return maker_->records.count();
}

std::vector<BadRecord> Loader::take_bad_records() {
  return maker_->records.take();
}

}  // namespace lodestone::sampler
