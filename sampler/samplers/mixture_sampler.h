#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// Whether the data set is a mixture whose sources have weights.
bool has_weights(const Dataset& dataset);

/// Draws rows from the sources of a mixture in proportion to their weights, with 1 or 2 views each.
/// Share     a source of weight w has w·n / Σ w of the first n samples drawn, with an error below the number
///           of sources. The first source takes the integer part of its share of n, the next that of its
///           share of the remainder, and so on; nothing is random.
/// Samples   each source draws from its own endless sequence of shuffled decks: every sample is used before
///           one repeats. A sample may occur twice in a batch where a deck ends within it, or where a source
///           has fewer samples than the batch needs of it: then as another view of itself, never as its own
///           negative.
/// Rows      in random order, so that every rank gets rows of all sources; labels, groups and views as in
///           ShuffleSampler.
/// Epoch     size / (global_batch / views) batches, rounded down, at least 1: a number of steps, not one pass
///           over the data.
/// Cost      8 bytes per sample for each of two decks.
/// Throws    ConfigError if global_batch is not a positive multiple of views, or views is not 1 or 2;
///           DataError if a source with a weight is empty.
class MixtureSampler : public IndexSampler {
 public:
  MixtureSampler(std::shared_ptr<const Dataset> dataset, int64_t views, int64_t global_batch, uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;
  bool tours() const override { return false; }

  /// How many of the first `samples` samples come from each source.
  std::vector<int64_t> drawn(int64_t samples) const;

 private:
  int64_t sample(size_t source, int64_t draw) const;

  std::shared_ptr<const Dataset> dataset_;
  std::vector<Source> sources_;
  std::vector<int64_t> sizes_;
  int64_t views_;
  int64_t global_batch_;
  int64_t batches_ = 1;
  uint64_t seed_;
  std::vector<EpochCache<std::vector<int64_t>>> decks_;
};

}  // namespace lodestone::sampler
