#pragma once

#include <cstdint>
#include <memory>

#include "sampler/dataset.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// The samples of `range` in order, `rows` per batch, the last batch smaller: for evaluation. All epochs are
/// equal.
/// Throws    ConfigError if rows < 1 or the range is not within the data set.
class RangeSampler : public IndexSampler {
 public:
  RangeSampler(std::shared_ptr<const Dataset> dataset, Range range, int64_t rows);

  int64_t global_batch() const override { return rows_; }
  /// 1 for an empty range, whose only batch is empty.
  int64_t batches_per_epoch() const override;
  GlobalBatch batch(Cursor cursor) const override;

 private:
  std::shared_ptr<const Dataset> dataset_;
  Range range_;
  int64_t rows_;
};

}  // namespace lodestone::sampler
