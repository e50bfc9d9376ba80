#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "distributed/transport/context.h"
#include "distributed/transport/group_options.h"

namespace lodestone::distributed {

using Clock = std::chrono::steady_clock;

/// The ranks that a backend connects, and the settings for its errors and waits.
struct Members {
  std::string id;                ///< equal on every member, unique within the job
  int rank = 0;                  ///< this rank's position in world_ranks
  std::vector<int> world_ranks;  ///< the members' ranks in the job
  std::shared_ptr<GroupContext> context;
  GroupOptions options;

  int size() const { return static_cast<int>(world_ranks.size()); }
};

/// "not all ranks arrived within 600000 ms: <who>".
std::string late_text(const Members& members, const std::string& who);

}  // namespace lodestone::distributed
