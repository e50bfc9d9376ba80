#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"
#include "sampler/tuple.h"

namespace lodestone::sampler {

/// Explicit pairs or triplets in random order, each once per epoch. global_batch counts images; the 2 or 3
/// rows of a tuple are consecutive, and a tuple is never split between global batches (but may be split
/// between ranks). GlobalBatch::tuples refers to rows of the global batch. Labels and groups are the data
/// set's.
/// Epoch     tuples / (global_batch / images per tuple) batches, rounded down.
/// Throws    ConfigError if global_batch is not a positive multiple of the images per tuple; DataError if
///           there are fewer tuples than a batch holds.
class TupleSampler : public IndexSampler {
 public:
  TupleSampler(std::shared_ptr<const Dataset> dataset, std::vector<Tuple> tuples, int64_t global_batch,
               uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;

 private:
  std::shared_ptr<const Dataset> dataset_;
  std::vector<Tuple> tuples_;
  int64_t width_ = 2;  // images per tuple
  int64_t global_batch_;
  int64_t batches_ = 1;
  uint64_t seed_;
  EpochCache<std::vector<int64_t>> orders_;
};

}  // namespace lodestone::sampler
