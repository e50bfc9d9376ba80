#pragma once

#include "common/log.h"
#include "distributed/group.h"
#include "distributed/launch.h"

namespace lodestone::coordinator {

/// One rank's context in a run: its launch information, its group of all ranks, and its log.
/// Ranks     construction is collective
struct RunContext {
  explicit RunContext(const distributed::LaunchOptions& options)
      : launch(options), world(launch.world()), log(make_log(world.rank(), world.size())) {}

  distributed::Launch launch;
  distributed::Group world;
  Log log;

  /// Rank 0 owns the run folder and prints on behalf of all ranks.
  bool is_main_rank() const { return world.rank() == 0; }
};

}  // namespace lodestone::coordinator
