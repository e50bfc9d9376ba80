#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sampler/examples.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/embedding.h"
#include "trainer/run/run_config.h"
#include "trainer/search/calibration.h"
#include "trainer/search/embeddings.h"

namespace lodestone {

/// A run's encoder with its newest weights, ready to embed. Loading it starts no ranks: its configuration says how they find each
/// other.
class TrainedModel {
 public:
  /// A run folder or a checkpoint. Damaged checkpoints are named on stderr and passed over. `allow_code`: see
  /// read_checkpoint_config.
  /// Throws    CheckpointError, ConfigError
  TrainedModel(const std::string& run, const std::vector<std::string>& assignments, bool allow_code);

  RunConfig& config() { return config_; }
  const RunConfig& config() const { return config_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  /// The folder of the run that the checkpoint is of.
  std::filesystem::path run_folder() const;

  /// Builds the encoder on the rank's device; once, before any embedding.
  void prepare(const RunContext& context);
  /// b rows to z_bD as they are stored and compared: float32 on the CPU, of unit length where the run normalises.
  /// Threads   safe concurrently if the encoder's forward is
  at::Tensor embed(const Features& features);
  /// All samples that can be read, by this process alone (embedding.h); under on_bad_record: skip the others are told on the log.
  /// Memory: all of the embeddings, one batch of the features.
  Embedded embed_all(const RunContext& context, const std::shared_ptr<const Examples>& examples);

  /// Embeddings::about of what it embeds.
  std::map<std::string, std::string> about(const std::string& source) const;
  /// Throws ConfigError unless embeddings are of this model, whatever data it was asked to look at.
  void check_made_here(const Embeddings& embeddings, const std::string& file) const;
  /// The run's calibration; warns on the log if it is of other weights.
  std::optional<Calibration> calibration(Logger& log) const;

 private:
  at::Tensor as_stored(const at::Tensor& z_bD) const;

  Checkpoint checkpoint_;
  RunConfig config_;
  c10::Device device_ = at::kCPU;
  std::string weights_;  // checksum
};

/// Loads a model and runs `body` on every rank with its encoder prepared; see run_on_ranks.
int with_model(const std::string& run, const std::vector<std::string>& assignments, bool allow_code,
               const std::function<int(RunContext&, TrainedModel&)>& body);
/// The same for a command's arguments, which name run, assignments and allow_code.
template <typename Arguments>
int with_model(const Arguments& arguments, const std::function<int(RunContext&, TrainedModel&)>& body) {
  return with_model(arguments.run, arguments.assignments, arguments.allow_code, body);
}

/// A way for one process to do it: refuses several ranks. `command` is named. Throws ConfigError.
void check_alone(const RunContext& context, const char* command);

}  // namespace lodestone
