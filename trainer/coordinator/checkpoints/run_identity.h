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

namespace lodestone::coordinator {

/// The parts of a run's data and configuration that its checkpoints depend on.
struct RunFacts {
  std::shared_ptr<const sampler::Dataset> dataset;
  std::shared_ptr<const sampler::IndexSampler> sampler;
  std::string order;          ///< name of the order in which an epoch visits the rows
  bool named_classes = true;  ///< false for rows of texts, which are identified by their texts
  uint64_t seed = 0;
  std::string vocabulary;       ///< checksum of the vocabulary file; empty if the run has no texts
  std::string vocabulary_file;  ///< path of the vocabulary file, for messages
  std::string config;           ///< the configuration as YAML
};

/// Identifies the classes of a run by name and its samples by id, never by position, so that state learned
/// per class or per sample is assigned correctly after the data has changed.
/// Ranks     only rank 0 calls describe and align, and align before the checkpoint is shared
class RunIdentity {
 public:
  explicit RunIdentity(RunFacts facts) : facts_(std::move(facts)) {}

  const sampler::IndexSampler& sampler() const { return *facts_.sampler; }
  sampler::SamplerLearner* learner() const { return facts_.sampler->learner(); }
  /// Name of the order in which an epoch visits the rows.
  const std::string& order() const { return facts_.order; }

  /// Adds to the snapshot what align and check_samples need: the numbers of samples and classes, the ids of a
  /// few samples, and the class names if the snapshot holds state per class.
  void describe(Snapshot& snapshot) const;
  /// Moves state per class (proxies, class means) and per sample (memory) to the positions of this run: rows
  /// of removed classes or samples are dropped, rows of new classes are initialised. A checkpoint without
  /// names is assumed to have the classes of this run in the same order. Returns sentences for the user: what
  /// was moved, and which settings and data differ from the checkpoint's.
  /// Throws    CheckpointError if the vocabulary is another (check_vocabulary)
  std::vector<std::string> align(Checkpoint& checkpoint) const;
  /// Checks that the run's data are those of the checkpoint, perhaps with samples more or less: that a tenth
  /// of the samples that stand for them is there. Checkpoints of earlier versions name none and pass.
  /// Throws    CheckpointError
  void check_samples(const Checkpoint& checkpoint) const;
  /// Whether a checkpoint was saved with the same samples, order of samples, and seed. True if it does not
  /// say.
  bool has_samples_of(const Checkpoint& checkpoint) const;

 private:
  bool labels_are_samples() const;
  const std::string& samples_hash() const;
  const std::vector<std::string>& witnesses() const;
  std::vector<std::string> differences(const Checkpoint& checkpoint) const;
  std::optional<engine::ClassMoves> align_classes(Snapshot& snapshot, bool by_class,
                                                  std::vector<std::string>& remarks) const;
  int64_t align_memory(TensorMap& memory, const engine::ClassMoves& moves) const;
  int64_t align_memory_by_sample(TensorMap& memory) const;

  RunFacts facts_;
  mutable TensorMap classes_;                   ///< class names as they are saved; computed once
  mutable std::string samples_hash_;            ///< computed once
  mutable std::vector<std::string> witnesses_;  ///< computed once
};

/// Checks that the model was trained with this vocabulary, since its token embeddings belong to
/// the ids of that vocabulary. Checkpoints of earlier versions do not say and pass.
/// `vocabulary` is the checksum of `file`.
/// Throws    CheckpointError if the vocabulary differs
void check_vocabulary(const Snapshot& snapshot, const std::string& vocabulary, const std::string& file);

/// Keys for LossHeadSetup::key_c: hashes of the class names that identify classes in a run
/// (RunFacts::named_classes).
std::vector<uint64_t> class_keys(const sampler::Dataset& dataset, bool named);

}  // namespace lodestone::coordinator
