#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sampler/dataset.h"
#include "sampler/samplers/index_sampler.h"
#include "sampler/samplers/sampler_learner.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/engine/class_moves.h"

namespace lodestone {

/// What a run's data and configuration are, as far as a checkpoint depends on it.
struct RunFacts {
  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<const IndexSampler> sampler;
  std::string order;          ///< what the order of an epoch's rows is called
  bool named_classes = true;  ///< false: rows of texts, which are known by their texts
  uint64_t seed = 0;
  std::string vocabulary;       ///< checksum of the vocabulary's file; empty: the run has no texts
  std::string vocabulary_file;  ///< its path, for people
  std::string config;           ///< the configuration as YAML
};

/// What a run knows its classes and samples by, so that what it learned of each finds its way to data that
/// has changed since: classes by their names, samples by their ids, never by where they stand.
/// Ranks    rank 0 alone describes and aligns, and before a checkpoint is shared
class RunIdentity {
 public:
  explicit RunIdentity(RunFacts facts) : facts_(std::move(facts)) {}

  const IndexSampler& sampler() const { return *facts_.sampler; }
  SamplerLearner* learner() const { return facts_.sampler->learner(); }
  /// What the order of an epoch's rows is called.
  const std::string& order() const { return facts_.order; }

  /// Adds what align reads: numbers of samples and classes, and the names of classes if something in the
  /// snapshot is by class.
  void describe(Snapshot& snapshot) const;
  /// Moves what a checkpoint holds of classes (proxies, class means) and of samples (memory) to where they
  /// stand in this run: rows of those that are gone are dropped, those of new classes begin afresh. Returns
  /// what is to be told: what was moved, which settings and data are others than the checkpoint's.
  /// Checkpoints without names are taken to have today's classes.
  std::vector<std::string> align(Checkpoint& checkpoint) const;
  /// Whether a checkpoint is of these samples, in this order, and of this seed; so is one that doesn't say.
  bool has_samples_of(const Checkpoint& checkpoint) const;

 private:
  bool labels_are_samples() const;
  const std::string& samples_hash() const;
  std::vector<std::string> differences(const Checkpoint& checkpoint) const;
  std::optional<ClassMoves> align_classes(Snapshot& snapshot, bool by_class,
                                          std::vector<std::string>& told) const;
  int64_t align_memory(TensorMap& memory, const ClassMoves& moves) const;
  int64_t align_memory_by_sample(TensorMap& memory) const;

  RunFacts facts_;
  mutable TensorMap classes_;         ///< names as they are saved; made once
  mutable std::string samples_hash_;  ///< likewise
};

/// Throws CheckpointError if the model was trained with another vocabulary than the configuration's: its rows
/// of tokens stand for the ids of that one. Checkpoints of earlier versions don't say. `vocabulary` is the checksum of `file`.
void check_vocabulary(const Snapshot& snapshot, const std::string& vocabulary, const std::string& file);

/// Keys for LossSideSetup::key_c: hashes of the names by which a run knows its classes (RunFacts::named_classes).
std::vector<uint64_t> class_keys(const Dataset& dataset, bool named);

}  // namespace lodestone
