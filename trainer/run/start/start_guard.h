#pragma once

#include <chrono>
#include <string>

#include <sys/types.h>

namespace lodestone {

/// A process that looks after this rank until the ranks have met, where no other rank of this host does: ranks elsewhere wait in
/// MPI_Init and can't see that this one is stopped or has died. A rank that is stopped for `patience` is named and ends with
/// kPeerLost. Of one that dies the launcher hears; srun, which lets the others wait, is told to end the step.
/// Requires that no thread that runs already holds a lock that the guard would need.
class StartGuard {
 public:
  StartGuard(const std::string& rank, std::chrono::milliseconds patience);
  /// The ranks have met, or this one has failed and says why itself.
  ~StartGuard();
  StartGuard(const StartGuard&) = delete;
  StartGuard& operator=(const StartGuard&) = delete;

 private:
  pid_t guard_ = -1;
  int over_ = -1;
};

}  // namespace lodestone
