#pragma once

#include <string>
#include <vector>

#include "common/yaml.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Reads the configuration stored in a checkpoint, overridden by the user's assignments. Since its author may
/// be untrusted, it is restricted:
///   code       a code file that it names (TorchScript) is loaded only with `allow_code`, and then only with
///              the hash stored in the checkpoint, or if one of the user's assignments names that file
///   writing    no command writes to a location that it names: the indexes of shards are stored beside the
///              shards or in the user's cache, unless an assignment names a folder
/// Throws    ConfigError
void read_checkpoint_config(const coordinator::Checkpoint& checkpoint,
                            const std::vector<std::string>& assignments, bool allow_code, RunConfig& config);

/// Reads a configuration file named on the command line. Its author may be another than the user: a code file
/// that it names is loaded only with `allow_code`, or if one of the assignments names that file.
/// Throws    ConfigError
void read_named_config(const std::string& file, const std::vector<std::string>& assignments, bool allow_code,
                       RunConfig& config, ReadFor use = ReadFor::kAnyUse);

/// The same for a file that has been read already (read_yaml_file). `root` is not changed.
void read_named_config(const ConfigNodePtr& root, const std::string& file,
                       const std::vector<std::string>& assignments, bool allow_code, RunConfig& config,
                       ReadFor use = ReadFor::kAnyUse);

}  // namespace lodestone::run
