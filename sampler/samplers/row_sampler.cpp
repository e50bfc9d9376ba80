#include "sampler/samplers/row_sampler.h"

#include <deque>
#include <string>
#include <unordered_set>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::sampler {

namespace {

// Among the waiting rows, a batch examines this many times its number of rows, so that an epoch costs O(size)
// even if one text is in most rows.
constexpr int64_t kLooks = 4;

/// Draws rows from one shuffled deck; rows that were passed over wait at its front.
class RowDealer {
 public:
  RowDealer(const Dataset& dataset, int64_t width, std::vector<int64_t> line)
      : dataset_(dataset), width_(width), line_(std::move(line)) {}

  void deal(int64_t count, std::vector<int64_t>& out) {
    seen_.clear();
    std::deque<int64_t> passed_over;
    const auto offer = [&](int64_t row) {
      if (!take(row)) return passed_over.push_back(row);
      out.push_back(row);
      --count;
    };
    for (int64_t left = kLooks * count; left > 0 && count > 0 && !waiting_.empty(); --left) {
      offer(waiting_.front());
      waiting_.pop_front();
    }
    while (count > 0 && next_ < line_.size()) offer(line_[next_++]);
    for (; count > 0; --count) {  // only rows that share a text are left
      out.push_back(passed_over.front());
      passed_over.pop_front();
    }
    waiting_.insert(waiting_.begin(), passed_over.begin(), passed_over.end());
  }

 private:
  bool take(int64_t row) {
    for (int64_t i = row * width_; i < (row + 1) * width_; ++i)
      if (seen_.contains(dataset_.id(i))) return false;
    for (int64_t i = row * width_; i < (row + 1) * width_; ++i) seen_.insert(dataset_.id(i));
    return true;
  }

  const Dataset& dataset_;
  int64_t width_;
  std::vector<int64_t> line_;
  size_t next_ = 0;
  std::deque<int64_t> waiting_;
  std::unordered_set<uint64_t> seen_;  // ids of the batch
};

}  // namespace

RowSampler::RowSampler(std::shared_ptr<const Dataset> dataset, int64_t samples_per_row, int64_t global_batch,
                       uint64_t seed)
    : dataset_(std::move(dataset)), width_(samples_per_row), global_batch_(global_batch), seed_(seed) {
  if (width_ < 1 || global_batch_ < width_ || global_batch_ % width_ != 0)
    throw ConfigError("row sampler: expected global_batch to be a positive multiple of " +
                      std::to_string(width_) + " (samples in a row of the data), got " +
                      std::to_string(global_batch_));
  batches_ = dataset_->size() / width_ / (global_batch_ / width_);
  if (batches_ < 1)
    throw DataError("row sampler: expected at least " + std::to_string(global_batch_ / width_) +
                    " rows (a batch), got " + std::to_string(dataset_->size() / width_) +
                    "; lower global_batch or add rows");
}

std::vector<int64_t> RowSampler::plan(int64_t epoch) const {
  Random random(seed_, Purpose::kShuffle, static_cast<uint64_t>(epoch));
  RowDealer dealer(*dataset_, width_, random.permutation(dataset_->size() / width_));
  std::vector<int64_t> rows;
  const int64_t count = global_batch_ / width_;
  rows.reserve(static_cast<size_t>(batches_ * count));
  for (int64_t b = 0; b < batches_; ++b) dealer.deal(count, rows);
  return rows;
}

GlobalBatch RowSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_);
  const auto order = orders_.get(cursor.epoch, [this](int64_t epoch) { return plan(epoch); });
  const int64_t count = global_batch_ / width_;
  GlobalBatch out;
  out.cursor = cursor;
  out.unit = width_;
  for (int64_t r = cursor.position * count; r < (cursor.position + 1) * count; ++r) {
    const int64_t first = (*order)[static_cast<size_t>(r)] * width_;
    for (int64_t i = first; i < first + width_; ++i) {
      out.samples.push_back(i);
      out.views.push_back(0);
      out.labels.push_back(dataset_->label(i));
      out.groups.push_back(dataset_->group(out.labels.back()));
    }
  }
  return out;
}

}  // namespace lodestone::sampler
