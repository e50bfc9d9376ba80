#pragma once

#include <string>
#include <vector>

#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// Reads the configuration stored in a checkpoint, overridden by the user's assignments. Since its author may
/// be untrusted, it is restricted:
///   code       a code file that it names (TorchScript) is loaded only with `allow_code`, and then only with
///              the hash stored in the checkpoint, or if one of the user's assignments names that file
///   writing    no command writes to a location that it names: the indexes of shards are stored beside the
///              shards or in the user's cache, unless an assignment names a folder
/// Throws    ConfigError
void read_checkpoint_config(const Checkpoint& checkpoint, const std::vector<std::string>& assignments,
                            bool allow_code, RunConfig& config);

/// Reads a configuration file named on the command line, so that the code it names counts as the user's
/// choice. If the file is in a run folder or a checkpoint, it counts as the run's: its code is loaded under
/// the rules of read_checkpoint_config(), except that any hash is accepted.
/// Throws    ConfigError
void read_named_config(const std::string& file, const std::vector<std::string>& assignments, bool allow_code,
                       RunConfig& config);

}  // namespace lodestone
