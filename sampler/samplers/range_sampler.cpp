#include "sampler/samplers/range_sampler.h"

#include <algorithm>
#include <string>

#include "common/error.h"

namespace lodestone::sampler {

RangeSampler::RangeSampler(std::shared_ptr<const Dataset> dataset, Range range, int64_t rows)
    : dataset_(std::move(dataset)), range_(range), rows_(rows) {
  if (rows_ < 1 || range_.begin < 0 || range_.end < range_.begin || range_.end > dataset_->size())
    throw ConfigError("range sampler: expected rows >= 1 and a range within 0.." +
                      std::to_string(dataset_->size()) + ", got " + std::to_string(rows_) + " rows of " +
                      std::to_string(range_.begin) + ".." + std::to_string(range_.end));
}

int64_t RangeSampler::batches_per_epoch() const {
  return std::max<int64_t>(1, (range_.size() + rows_ - 1) / rows_);
}

GlobalBatch RangeSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_per_epoch());
  const int64_t begin = range_.begin + cursor.position * rows_;
  GlobalBatch out;
  out.cursor = cursor;
  for (int64_t i = begin; i < std::min(begin + rows_, range_.end); ++i) {
    out.samples.push_back(i);
    out.views.push_back(0);
    out.labels.push_back(dataset_->label(i));
    out.groups.push_back(dataset_->group(out.labels.back()));
  }
  return out;
}

}  // namespace lodestone::sampler
