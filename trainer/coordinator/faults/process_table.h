#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lodestone::coordinator {

/// A process of this host, as /proc shows it to its own user.
struct SeenProcess {
  pid_t pid = -1;
  std::string variables;  ///< its environment variables, each preceded by a zero byte

  std::optional<std::string> variable(const std::string& name) const;
};

/// All processes except this one whose environment contains every one of `marks`, each "NAME=value".
std::vector<SeenProcess> processes_with(const std::vector<std::string>& marks);

/// The state in /proc/PID/stat: R, S, D, T (stopped), Z (ended) …; '\0' if the process does not exist.
char state_of(pid_t pid);

/// Whether the process has a handler for the signal.
bool catches(pid_t pid, int signal);

}  // namespace lodestone::coordinator
