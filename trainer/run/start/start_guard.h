#pragma once

#include <chrono>
#include <string>

#include <sys/types.h>

namespace lodestone::run {

/// A process that watches this rank until the ranks are connected, for a rank that is alone on its host:
/// ranks on other hosts wait in MPI_Init and cannot see that this one is stopped or has died. A rank that is
/// stopped for `patience` is reported and ends with kPeerLost. The launcher notices a rank that dies; srun,
/// which lets the others wait, gets the signal to end the step.
/// Requires  no running thread holds a lock that the forked guard would need
class StartGuard {
 public:
  StartGuard(const std::string& rank, std::chrono::milliseconds patience);
  /// Ends the guard: the ranks are connected, or this rank has failed and reports the reason itself.
  ~StartGuard();
  StartGuard(const StartGuard&) = delete;
  StartGuard& operator=(const StartGuard&) = delete;

 private:
  pid_t guard_ = -1;
  int over_ = -1;
};

}  // namespace lodestone::run
