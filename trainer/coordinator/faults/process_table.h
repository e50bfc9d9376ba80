#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lodestone {

/// A process of this host, as /proc shows it to its own user.
struct SeenProcess {
  pid_t pid = -1;
  std::string variables;  ///< its environment, each behind a zero byte

  std::optional<std::string> variable(const std::string& name) const;
};

/// All but this one whose environment holds every one of `marks`, "NAME=value" each.
std::vector<SeenProcess> processes_with(const std::vector<std::string>& marks);

/// As in /proc/PID/stat: R, S, D, T (stopped), Z (ended) …; '\0' if it is gone.
char state_of(pid_t pid);

}  // namespace lodestone
