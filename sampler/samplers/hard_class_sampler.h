#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "sampler/class_members.h"
#include "sampler/dataset.h"
#include "sampler/epoch_cache.h"
#include "sampler/samplers/class_means.h"
#include "sampler/samplers/sampler_learner.h"

namespace lodestone::sampler {

struct HardClassConfig {
  int64_t cluster = 4;
  int64_t refresh = 100;
  double decay = 0.9;

  void visit(Fields& f);
};

/// Batches of P classes × K samples like PkSampler's, but with classes whose embeddings are close, so that
/// the batch's negatives are hard.
/// Clusters  a batch consists of clusters of `cluster` classes (the last may be smaller): an anchor class and
///           the classes whose directions have the largest cosine with it; ties go to the lower number.
///           Anchors are drawn from shuffled decks, so every class is an anchor equally often. A class is
///           passed over if it or a look-alike is in the batch already; look-alikes share a batch only if
///           there are fewer groups than P.
/// Learned   class directions from running class means (ClassMeans), renewed every `refresh` steps. Steps
///           [k·refresh, (k+1)·refresh) use the means after step (k-1)·refresh: one period old, so
///           prefetching threads never wait. The first two periods, classes not seen yet, and calls without
///           any observation get random classes.
/// Samples   K of each class, drawn without replacement in each batch; small classes as for PkSampler.
/// Epoch     size / global_batch batches, rounded down, at least 1.
/// Cost      2 · clusters · classes · width flops per batch, in the loader's threads; memory 3 · classes ·
///           width floats.
/// Throws    as PkSampler; ConfigError if refresh or cluster is below 1; Error by batch() for a batch more
///           than `lookahead` beyond the last one observed, or before the current period.
class HardClassSampler : public IndexSampler, public SamplerLearner {
 public:
  HardClassSampler(std::shared_ptr<const Dataset> dataset, PkConfig pk, HardClassConfig config,
                   int64_t global_batch, uint64_t seed);

  int64_t global_batch() const override { return global_batch_; }
  int64_t batches_per_epoch() const override { return batches_; }
  GlobalBatch batch(Cursor cursor) const override;
  SamplerLearner* learner() const override { return const_cast<HardClassSampler*>(this); }

  void observe(Cursor cursor, std::span<const int64_t> labels, const at::Tensor& z_BD) override;
  int64_t lookahead() const override { return config_.refresh; }
  void visit_state(StateVisitor& v) override;
  void seek(Cursor next) override;

 private:
  using Directions = std::shared_ptr<const ClassDirections>;
  class Choice;
  std::vector<int64_t> anchors(int64_t epoch) const;
  int64_t step_of(Cursor cursor) const { return cursor.epoch * batches_ + cursor.position; }
  Directions directions_for(int64_t step) const;
  ClassDirections from_tensor(const char* name, const at::Tensor& state) const;

  std::shared_ptr<const Dataset> dataset_;
  PkConfig pk_;
  HardClassConfig config_;
  int64_t global_batch_;
  int64_t classes_per_batch_ = 1;
  int64_t batches_ = 1;
  uint64_t seed_;
  ClassMembers members_;
  EpochCache<std::vector<int64_t>> anchors_;
  mutable std::mutex mutex_;
  ClassMeans means_;
  int64_t observed_ = 0;  // number of steps
  Directions now_;        // for the steps of the period that observed_ is in; null: random
  Directions next_;       // for those of the period after it
};

}  // namespace lodestone::sampler
