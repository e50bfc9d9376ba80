#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// Every sample once per epoch in random order, with 1 or 2 views each; no sample is twice in a global batch.
/// One view   label and group are the class's: for losses with proxies or centres.
/// Two views  rows 2i and 2i+1 are views 0 and 1 of one sample; label and group are the sample's index, so
///            the two views are each other's only positive: learning without labels.
/// Epoch      size / (global_batch / views) batches, rounded down; the remaining samples are left out of this
///            epoch.
/// Cost       8 bytes per sample for each of two epochs.
/// Throws     ConfigError if global_batch is not a positive multiple of views, or views is not 1 or 2;
///            DataError if the data set has fewer samples than a batch.
class ShuffleSampler : public IndexSampler {
 public:
  ShuffleSampler(std::shared_ptr<const Dataset> dataset, int64_t views, int64_t global_batch, uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;

 private:
  std::shared_ptr<const Dataset> dataset_;
  int64_t views_;
  int64_t global_batch_;
  int64_t batches_ = 1;
  uint64_t seed_;
  EpochCache<std::vector<int64_t>> orders_;
};

}  // namespace lodestone::sampler
