#pragma once

#include <string>
#include <vector>

#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// Reads the configuration that lies in a checkpoint, with the user's assignments over it. Its author may be somebody else:
/// code       a file of code that it names (TorchScript) is loaded only with `allow_code`, or where an assignment of the user's names
///            that file; with allow_code only if it has the hash that the checkpoint was saved with
/// writing    no command writes where it says: the indexes of shards go beside the shards or into the user's cache, unless an
///            assignment names a folder
/// Throws ConfigError
void read_checkpoint_config(const Checkpoint& checkpoint, const std::vector<std::string>& assignments,
                            bool allow_code, RunConfig& config);

/// Reads a configuration that the user's own command names, so that code that it names is the user's choice. One that lies in a run
/// folder or a checkpoint is the run's, whoever names it: its code is loaded as read_checkpoint_config() says, whatever its hash.
/// Throws ConfigError
void read_named_config(const std::string& file, const std::vector<std::string>& assignments, bool allow_code,
                       RunConfig& config);

}  // namespace lodestone
