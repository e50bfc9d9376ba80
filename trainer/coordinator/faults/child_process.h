#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lodestone::coordinator {

/// A program to start: it is found in PATH and gets this process's environment plus these variables.
struct ChildCommand {
  std::vector<std::string> words;
  std::map<std::string, std::string> environment;
  bool logs_errors = false;  ///< whether the supervisor logs what the program writes to stderr
  int error_fd = -1;         ///< file descriptor for its stderr; -1: this process's stderr
};

/// A child process and everything that it starts. It runs in a process group of its own, so that
/// Ctrl-C in a terminal reaches only this process; its standard input is empty; the kernel terminates
/// it if this process dies. Orphaned descendants become children of this process, as they would under
/// the first process of a container.
/// Requires  only one exists per process at a time, since ended() reaps every child
/// Threads   one thread uses the object
class ChildProcess {
 public:
  /// `mark` is an environment variable, "NAME=value", that identifies the processes of this job.
  /// Throws    IoError if the program cannot be started
  ChildProcess(const ChildCommand& command, const std::string& mark);
  /// Kills the processes that are left.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const;
  /// The exit code, or 128 + signal if a signal ended it; nullopt while it runs.
  std::optional<int> ended();
  /// Number of its processes on this host that have an environment variable
  /// whose text begins with `variable`.
  int count(const std::string& variable) const;
  /// Sends SIGKILL to the child and to every process with the mark, stopped ones included, and waits up to
  /// five seconds for them to end. Returns how many there were besides the child.
  int kill_all();

 private:
  pid_t pid_ = -1;
  std::string mark_;
  std::optional<int> code_;
};

}  // namespace lodestone::coordinator
