#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone {

/// Batches of texts of like length, so that little is padded: another sampler's batches, dealt anew within a window.
/// Rule      the `window` batches of another sampler from position k·window on are taken apart into units: runs of
///           `unit` rows, which stay together (a class's K samples, a row's texts, a tuple). The units are ordered by their longest
///           text, in bytes, equal ones by their place, and dealt in that order into as many batches as there were. A unit
///           that shares a group or a text with the batch being filled waits for the next one; what still waits at the end
///           fills the gaps. The batches come in an order drawn by (seed, epoch, k). So an epoch has the same rows as before, and what
///           meets in a batch has changed; tuples go with their units.
/// Pure      a function of (seed, epoch, position), for any world: it is the GLOBAL batch that is formed
/// Cost      a window is planned once, O(rows · log), and the last two are kept; 24 bytes per row
/// Throws    ConfigError if window or unit is below 1, the batch is no multiple of the unit, or
///             the other sampler learns
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

}  // namespace lodestone
