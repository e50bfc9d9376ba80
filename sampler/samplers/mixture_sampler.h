#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone {

/// Rows from the sources of a mixture in proportion to their weights, with 1 or 2 views each.
/// Share      of the first n samples drawn, a source of weight w has w·n / Σ w, within the number of sources: the first takes the
///            whole part of its share of n, the next that of its share of what is left, and so on. No chance is involved.
/// Samples    each source deals its own from shuffled decks, one after another without end: all are seen before one repeats. Where a
///            deck ends within a batch, or a source has fewer samples than the batch wants of it, one may be there twice: as another
///            view of itself, and never its own negative.
/// Rows       in random order, so that every rank sees all sources; labels, groups and views are those of ShuffleSampler
/// Epoch      size / (global_batch / views) batches, rounded down, at least 1: a number of steps, no longer a tour of the data
/// Cost       8 bytes per sample for each of two decks
/// Throws     ConfigError if global_batch is not a positive multiple of views, or views is not 1 or 2; DataError if a source with a
///            weight is empty
class MixtureSampler : public IndexSampler {
 public:
  MixtureSampler(std::shared_ptr<const Dataset> dataset, int64_t views, int64_t global_batch, uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;
  bool tours() const override { return false; }

  /// How many of the first `samples` drawn are of each source.
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

}  // namespace lodestone
