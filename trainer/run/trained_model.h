#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sampler/examples.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/embedding.h"
#include "trainer/run/run_config.h"
#include "trainer/search/calibration.h"
#include "trainer/search/embeddings.h"

namespace lodestone::run {

/// An encoder with weights, ready to embed: a run's with its newest weights, or a configuration's with those
/// that it names, without training. Reading it starts no ranks, since its configuration says how the ranks
/// connect.
class TrainedModel {
 public:
  /// `named` is a run folder, a checkpoint, or a configuration whose encoder has weights (named_model.h).
  /// Damaged checkpoints are reported on stderr and skipped. `allow_code`: see checkpoint_config.h.
  /// Throws    CheckpointError, ConfigError
  TrainedModel(const Tables& tables, const std::string& named, const std::vector<std::string>& assignments,
               bool allow_code);

  RunConfig& config() { return config_; }
  const RunConfig& config() const { return config_; }
  /// The folder of the checkpoint, or the file of the configuration.
  const std::filesystem::path& path() const { return path_; }
  /// The name of the run, or of the configuration's file.
  std::string name() const;
  /// The number of steps that the weights were trained for; 0 for a configuration.
  int64_t step() const { return checkpoint_ ? checkpoint_->step : 0; }
  /// The number of ranks that trained them; 1 for a configuration.
  int64_t world() const { return checkpoint_ ? checkpoint_->world : 1; }
  /// The run that wrote the checkpoint; nullopt for a configuration.
  std::optional<coordinator::RunFolder> run() const;
  /// Whether evaluate.data is what the run was evaluated on, whatever `assignments` say; false for a
  /// configuration.
  bool evaluates_own_data() const;

  /// Builds the encoder with its weights on the CPU, and logs on `log`, unless it is null, from which files
  /// they are. Call once, before any use of the encoder; load and prepare do it.
  /// Throws    what read the weights: CheckpointError, ConfigError, DataError, IoError
  void build(Logger* log);
  /// The same on the rank's device, in float32, with the encoder's remarks in the log of rank 0.
  void load(const coordinator::RunContext& context);
  /// The same, for many small forward passes: the encoder may keep a second copy of its weights.
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
  /// Checks that embeddings were computed by this model, on any data. `remedy` continues the error.
  /// Throws    ConfigError if they were not
  void check_made_here(const search::Embeddings& embeddings, const std::string& file,
                       const std::string& remedy = "embed again with `lodestone embed`") const;
  /// Checksum of the weights.
  const std::string& weights() const { return weights_; }
  /// Where the threshold of this model is stored: in the run folder, or beside the configuration.
  std::filesystem::path calibration_file() const;
  /// That threshold; logs a warning if it belongs to other weights.
  std::optional<search::Calibration> calibration(Logger& log) const;

 private:
  at::Tensor as_stored(const at::Tensor& z_bD) const;

  std::filesystem::path path_;
  std::optional<coordinator::Checkpoint> checkpoint_;
  RunConfig config_;
  c10::Device device_ = at::kCPU;
  std::string weights_;
};

/// Loads a model and runs `body` on every rank with the encoder prepared; see run_on_ranks.
int with_model(const Tables& tables, const std::string& named, const std::vector<std::string>& assignments,
               bool allow_code, const std::function<int(coordinator::RunContext&, TrainedModel&)>& body);
/// The same for a command's arguments, which name model, assignments and allow_code.
template <typename Arguments>
int with_model(const Tables& tables, const Arguments& arguments,
               const std::function<int(coordinator::RunContext&, TrainedModel&)>& body) {
  return with_model(tables, arguments.model, arguments.assignments, arguments.allow_code, body);
}

/// Checks that a command that supports only one process runs in one. `command` is its name.
/// Throws    ConfigError if there are several ranks
void check_alone(const coordinator::RunContext& context, const char* command);

}  // namespace lodestone::run
