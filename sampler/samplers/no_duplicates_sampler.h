#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// Samples in random order, without two of the same id in a global batch. For data in which a caption or
/// sentence occurs several times and would become its own negative. Dataset::id defines equality.
/// Order     drawn from shuffled decks: a sample whose id is already in the batch stays first in line for the
///           next batch. Within an epoch of size / global_batch batches (rounded down), a sample occurs at
///           most once more than any other.
/// Labels    labels and groups are the data set's.
/// Cost      the order of an epoch is made once, in O(size · the largest number of samples of one id /
///           batches); 8 bytes per sample; two epochs are kept.
/// Throws    ConfigError if global_batch is below 1; DataError if there are fewer ids than rows in a batch.
class NoDuplicatesSampler : public IndexSampler {
 public:
  NoDuplicatesSampler(std::shared_ptr<const Dataset> dataset, int64_t global_batch, uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;

 private:
  std::vector<int64_t> plan(int64_t epoch) const;

  std::shared_ptr<const Dataset> dataset_;
  int64_t global_batch_;
  int64_t batches_ = 1;
  uint64_t seed_;
  EpochCache<std::vector<int64_t>> plans_;
};

}  // namespace lodestone::sampler
