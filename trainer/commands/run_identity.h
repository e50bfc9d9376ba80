#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/commands/session.h"
#include "trainer/coordinator/checkpoint.h"
#include "trainer/engine/class_moves.h"

namespace lodestone {

/// What a run knows its classes and samples by, so that what it learned of each finds its way to data that
/// has changed since: classes by their names, samples by their ids, never by where they stand.
/// Ranks    rank 0 alone describes and aligns, and before a checkpoint is shared
class RunIdentity {
 public:
  /// Both outlive it.
  RunIdentity(const RunConfig& config, const TrainingData& data) : config_(config), data_(data) {}

  const IndexSampler& sampler() const { return *data_.sampler; }
  SamplerLearner* learner() const { return data_.sampler->learner(); }
  /// What the order of an epoch's rows is called.
  const std::string& order() const { return config_.sampler.name; }

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

  const RunConfig& config_;
  const TrainingData& data_;
  mutable TensorMap classes_;                      ///< names as they are saved; made once
  mutable std::string samples_hash_, vocabulary_;  ///< likewise
};

/// Throws CheckpointError if the model was trained with another vocabulary than the configuration's: its rows
/// of tokens stand for the ids of that one. Checkpoints of earlier versions don't say.
void check_vocabulary(const Snapshot& snapshot, const RunConfig& config);

/// Keys for LossSideSetup::key_c: hashes of the names by which a run knows its classes.
std::vector<uint64_t> class_keys(const RunConfig& config, const Dataset& dataset);

}  // namespace lodestone
