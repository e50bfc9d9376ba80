#pragma once

#include <string>

namespace lodestone::run {

enum class ModelKind {
  kCheckpoint,     ///< a run folder, a folder of checkpoints, or a checkpoint
  kConfiguration,  ///< a configuration file (*.yaml), whose encoder has weights
};

/// What the argument MODEL of the command line names. Looks at names of files, not into them.
/// Throws    CheckpointError if it names neither, with what is there; ConfigError if it names the
///           configuration that a run has kept, whose weights are in the run's checkpoints
ModelKind kind_of_model(const std::string& named);

}  // namespace lodestone::run
