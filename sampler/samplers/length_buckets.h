#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// Groups texts of similar length into batches, to reduce padding: rearranges the batches of another sampler
/// within a window.
/// Rule      the `window` batches of the other sampler from position k·window on are split into units: runs
///           of `unit` rows that stay together (the K samples of a class, the texts of a row, a tuple). Units
///           are sorted by the byte length of their longest text, ties by position, and dealt in this order
///           into the same number of batches. A unit that shares a group or a text with the batch being
///           filled waits for the next one; units still waiting at the end fill the gaps. The order of the
///           batches is drawn by (seed, epoch, k). So an epoch has the same rows as before in other batches;
///           tuples follow their units.
/// Cost      O(rows · log) per window, once; the last two windows are kept; 24 bytes per row.
/// Ensures   a pure function of (seed, epoch, position) for any world size, since it forms the GLOBAL batch.
/// Throws    ConfigError if window or unit is below 1, the batch is no multiple of the unit, or the other
///           sampler learns.
class LengthBuckets : public IndexSampler {
 public:
  using Length = std::function<int64_t(int64_t sample)>;

  LengthBuckets(std::shared_ptr<const IndexSampler> inner, std::shared_ptr<const Dataset> dataset,
                Length length, int64_t unit, int64_t window, uint64_t seed);

  int64_t global_batch() const override { return inner_->global_batch(); }
  int64_t batches_per_epoch() const override { return inner_->batches_per_epoch(); }
  GlobalBatch batch(Cursor cursor) const override;
  int64_t stride() const override { return window_ * inner_->stride(); }

 private:
  using Window = std::vector<GlobalBatch>;
  Window plan(int64_t number) const;

  std::shared_ptr<const IndexSampler> inner_;
  std::shared_ptr<const Dataset> dataset_;
  Length length_;
  int64_t unit_;
  int64_t window_;
  uint64_t seed_;
  EpochCache<Window> windows_;  // by epoch · windows per epoch + window
};

}  // namespace lodestone::sampler
