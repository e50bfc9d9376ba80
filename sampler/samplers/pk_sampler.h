#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sampler/class_members.h"
#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// Global batches of P classes × K samples, K = samples_per_class, P = global_batch / K. The K rows of a
/// class are consecutive.
/// Classes   drawn from an endless sequence of shuffled decks, each with every class once, so over an epoch
///           every class occurs equally often (±1 or 2). A class that is already in the batch, or has a
///           look-alike there, stays first in line for the next batch. Two look-alikes share a batch only if
///           there are fewer than P groups.
/// Samples   each class draws its samples from shuffled decks in the same way: all are used before one
///           repeats, and no sample is twice in a batch. A class with fewer than K samples is an error; with
///           allow_small_classes it repeats its samples under different `views`, so they are augmented
///           differently.
/// Epoch     size / global_batch batches, rounded down, at least 1; each epoch starts with new decks.
/// Cost      an epoch is planned once, in O(size) and 12 bytes per row; the last two plans are kept.
/// Throws    ConfigError if global_batch is not a positive multiple of K or K < 1; DataError if there are
///           fewer than P classes, or a class has fewer than K samples (the message names it and the
///           remedies).
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

}  // namespace lodestone::sampler
