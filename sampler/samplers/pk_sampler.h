#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/class_members.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone {

/// P classes × K samples over the whole global batch, K = samples_per_class, P = global_batch / K. The K rows
/// of a class follow each other. Classes   dealt from an endless row of shuffled decks, each holding every
/// class once, so that over an epoch every class
///           appears equally often (±1 or 2). A class that is already in the batch, or whose look-alike group
///           is, stays first in line for the next batch. Two look-alikes meet in a batch only if there are
///           fewer than P groups.
/// Samples   each class deals its own samples from shuffled decks in the same way: all are seen before one
/// repeats, and
///           no sample is twice in a batch. A class with fewer than K samples is an error, or with
///           allow_small_classes gives its samples several times, told apart by `views` (so augmented
///           differently).
/// Epoch     size / global_batch batches, rounded down, at least 1; each epoch starts from fresh decks
/// Cost      an epoch's plan is made once, O(size) time and 12 bytes per row, and the last two are kept
/// Throws    ConfigError if global_batch is not a positive multiple of K or K < 1; DataError if there are
/// fewer than P
///           classes, or a class has fewer than K samples (named, with remedies)
class PkSampler : public IndexSampler {
 public:
  PkSampler(std::shared_ptr<const Dataset> dataset, PkConfig config, int64_t global_batch, uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;

  int64_t classes_per_batch() const { return global_batch_ / config_.samples_per_class; }

 private:
  struct Plan {
    std::vector<int64_t> samples;
    std::vector<int32_t> views;
  };
  Plan plan(int64_t epoch) const;

  std::shared_ptr<const Dataset> dataset_;
  PkConfig config_;
  int64_t global_batch_;
  int64_t batches_;
  uint64_t seed_;
  ClassMembers members_;
  EpochCache<Plan> plans_;
};

}  // namespace lodestone
