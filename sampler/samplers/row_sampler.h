#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// Rows of texts in random order, each once per epoch. The samples r·w … r·w + w - 1 form row r (query,
/// positive, negatives). They are consecutive in the batch, and a row is never split between global batches
/// (but may be split between ranks).
/// Duplicates  no two rows of a batch share a sample id: a text that occurs in several rows would be its own
///             positive's negative. A row passed over for this reason stays first in line for the next batch.
///             If the epoch has only such rows left, they do share a batch.
/// Epoch       rows / (global_batch / w) batches, rounded down; each epoch has a new order.
/// Cost        the order of an epoch is made once, in O(size) and 8 bytes per row; the last two are kept.
/// Throws      ConfigError if global_batch is not a positive multiple of w; DataError if there are fewer rows
///             than a batch holds.
class RowSampler : public IndexSampler {
 public:
  RowSampler(std::shared_ptr<const Dataset> dataset, int64_t samples_per_row, int64_t global_batch,
             uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;

 private:
  std::vector<int64_t> plan(int64_t epoch) const;

  std::shared_ptr<const Dataset> dataset_;
  int64_t width_;
  int64_t global_batch_;
  int64_t batches_ = 1;
  uint64_t seed_;
  EpochCache<std::vector<int64_t>> orders_;
};

}  // namespace lodestone::sampler
