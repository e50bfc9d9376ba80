#pragma once

#include <exception>

namespace lodestone {

/// Exit codes of the program, a contract for scripts (docs/errors.md).
enum ExitCode : int {
  kDone = 0,
  kRunFailed = 1,
  kBadUsage = 2,
  kBadData = 3,
  kPeerLost = 4,
  kCheckpointUnusable = 5,
  kStoppedResumable = 75,
};

/// The exit code for an error: ConfigError kBadUsage, DataError kBadData, CommError kPeerLost,
/// CheckpointError kCheckpointUnusable, all others kRunFailed.
ExitCode exit_code(const std::exception& error);

}  // namespace lodestone
