#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lodestone {

/// A program to start: found in PATH, with these variables added to this process's own.
struct ChildCommand {
  std::vector<std::string> words;
  std::map<std::string, std::string> environment;
  bool logs_errors = false;  ///< what it says on stderr becomes lines of the supervisor's log
  int error_fd = -1;         ///< what becomes its stderr; -1: this process's own
};

/// A program and whatever it starts, under this process's care. It has a process group of its own, so that a terminal's
/// Ctrl-C reaches this process alone, reads nothing, and is terminated by the kernel if this process dies. Processes that
/// lose their parent become children of this one, as they are of a container's first process.
/// Threads    one. One at a time in a process: ended() reaps every child there is.
class ChildProcess {
 public:
  /// `mark` is an environment variable, "NAME=value", that tells what belongs to it from what does not.
  /// Throws IoError if the program cannot be started.
  ChildProcess(const ChildCommand& command, const std::string& mark);
  /// Kills what is left.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const;
  /// Its exit code, 128 + signal if one ended it; none while it runs.
  std::optional<int> ended();
  /// How many of its processes on this host have a variable whose text begins so.
  int count(const std::string& variable) const;
  /// SIGKILL for it and for all that carries the mark, stopped ones included; waits up to five seconds for their end.
  /// Returns how many were left besides itself.
  int kill_all();

 private:
  pid_t pid_ = -1;
  std::string mark_;
  std::optional<int> code_;
};

}  // namespace lodestone
