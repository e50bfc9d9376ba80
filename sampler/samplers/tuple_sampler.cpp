#include "sampler/samplers/tuple_sampler.h"

#include <string>
#include <unordered_map>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::sampler {

TupleSampler::TupleSampler(std::shared_ptr<const Dataset> dataset, std::vector<Tuple> tuples,
                           int64_t global_batch, uint64_t seed)
    : dataset_(std::move(dataset)), tuples_(std::move(tuples)), global_batch_(global_batch), seed_(seed) {
  width_ = !tuples_.empty() && tuples_.front().is_triplet() ? 3 : 2;
  for (const Tuple& tuple : tuples_)
    if (tuple.is_triplet() != (width_ == 3))
      throw DataError("tuple sampler: expected pairs or triplets, got a mixture");
  if (global_batch_ < width_ || global_batch_ % width_ != 0)
    throw ConfigError("tuple sampler: expected global_batch (images) to be a positive multiple of " +
                      std::to_string(width_) + ", got " + std::to_string(global_batch_));
  batches_ = static_cast<int64_t>(tuples_.size()) / (global_batch_ / width_);
  if (batches_ < 1)
    throw DataError("tuple sampler: expected at least " + std::to_string(global_batch_ / width_) +
                    " tuples (a batch), got " + std::to_string(tuples_.size()) +
                    "; lower global_batch or add tuples");
}

GlobalBatch TupleSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_);
  const auto order = orders_.get(cursor.epoch, [this](int64_t epoch) {
    return Random(seed_, Purpose::kShuffle, static_cast<uint64_t>(epoch))
        .permutation(static_cast<int64_t>(tuples_.size()));
  });
  GlobalBatch out;
  out.cursor = cursor;
  out.unit = width_;
  // An image of several tuples is augmented differently in each.
  std::unordered_map<int64_t, int32_t> repeats;
  const auto add_row = [&](int64_t sample) {
    out.samples.push_back(sample);
    out.views.push_back(repeats[sample]++);
    out.labels.push_back(dataset_->label(sample));
    out.groups.push_back(dataset_->group(out.labels.back()));
    return out.rows() - 1;
  };
  const int64_t count = global_batch_ / width_;
  for (int64_t t = cursor.position * count; t < (cursor.position + 1) * count; ++t) {
    Tuple tuple = tuples_[static_cast<size_t>((*order)[static_cast<size_t>(t)])];
    tuple.anchor = add_row(tuple.anchor);
    tuple.other = add_row(tuple.other);
    if (tuple.is_triplet()) tuple.negative = add_row(tuple.negative);
    out.tuples.push_back(tuple);
  }
  return out;
}

}  // namespace lodestone::sampler
