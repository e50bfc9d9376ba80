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

namespace lodestone::run {

/// The encoder of a run with its newest weights, ready to embed. Loading it starts no ranks, since its
/// configuration says how the ranks connect.
class TrainedModel {
 public:
  /// `run` is a run folder or a checkpoint. Damaged checkpoints are reported on stderr and skipped.
  /// `allow_code`: see read_checkpoint_config.
  /// Throws    CheckpointError, ConfigError
  TrainedModel(const Tables& tables, const std::string& run, const std::vector<std::string>& assignments,
               bool allow_code);

  RunConfig& config() { return config_; }
  const RunConfig& config() const { return config_; }
  const coordinator::Checkpoint& checkpoint() const { return checkpoint_; }
  /// The folder of the run that wrote the checkpoint.
  std::filesystem::path run_folder() const;

  /// Builds the encoder on the rank's device. Call once, before embedding.
  void prepare(const coordinator::RunContext& context);
  /// The embeddings of b rows as they are stored and compared: float32 on the CPU, of
  /// unit length if the run normalizes.
  /// Shapes    returns z_bD
  /// Threads   safe concurrently if the encoder's forward is
  at::Tensor embed(const Features& features);
  /// Embeds all samples that can be read, in this process alone (embedding.h); under on_bad_record: skip the
  /// others are logged.
  /// Memory    all embeddings, and one batch of features
  engine::Embedded embed_all(const coordinator::RunContext& context,
                             const std::shared_ptr<const sampler::Examples>& examples);

  /// Embeddings::about for the embeddings of this model.
  std::map<std::string, std::string> about(const std::string& source) const;
  /// Checks that embeddings were computed by this model, on any data.
  /// Throws    ConfigError if they were not
  void check_made_here(const search::Embeddings& embeddings, const std::string& file) const;
  /// The calibration of the run; logs a warning if it belongs to other weights.
  std::optional<search::Calibration> calibration(Logger& log) const;

 private:
  at::Tensor as_stored(const at::Tensor& z_bD) const;

  coordinator::Checkpoint checkpoint_;
  RunConfig config_;
  c10::Device device_ = at::kCPU;
  std::string weights_;  ///< checksum of the weights
};

/// Loads a model and runs `body` on every rank with the encoder prepared; see run_on_ranks.
int with_model(const Tables& tables, const std::string& run, const std::vector<std::string>& assignments,
               bool allow_code, const std::function<int(coordinator::RunContext&, TrainedModel&)>& body);
/// The same for a command's arguments, which name run, assignments and allow_code.
template <typename Arguments>
int with_model(const Tables& tables, const Arguments& arguments,
               const std::function<int(coordinator::RunContext&, TrainedModel&)>& body) {
  return with_model(tables, arguments.run, arguments.assignments, arguments.allow_code, body);
}

/// Checks that a command that supports only one process runs in one. `command` is its name.
/// Throws    ConfigError if there are several ranks
void check_alone(const coordinator::RunContext& context, const char* command);

}  // namespace lodestone::run
