#include "common/exit_code.h"

#include "common/error.h"

namespace lodestone {

ExitCode exit_code(const std::exception& error) {
  if (dynamic_cast<const ConfigError*>(&error)) return kBadUsage;
  if (dynamic_cast<const DataError*>(&error)) return kBadData;
  if (dynamic_cast<const CommError*>(&error)) return kPeerLost;
  if (dynamic_cast<const CheckpointError*>(&error)) return kCheckpointUnusable;
  return kRunFailed;
}

}  // namespace lodestone
