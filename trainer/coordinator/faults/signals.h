#pragma once

#include <array>

#include <signal.h>

namespace lodestone {

/// While it lives, SIGTERM, SIGINT, SIGUSR1 and SIGHUP ask for a stop and do nothing else; the training loop looks at
/// stop_requested() and agrees with the other ranks on the step to stop at. A second SIGTERM, SIGINT or SIGHUP exits
/// at once with 128 + signal (USR1, which schedulers send as an early notice, doesn't count). A SIGHUP that is ignored,
/// as under nohup, stays so. The destructor puts the former handlers back. Requires that no other object of this kind
/// lives: signals belong to the process. Throws Error if one does.
/// Threads  stop_requested() and signal() are safe concurrently
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool stop_requested() const;
  /// The first signal that asked for it, or 0.
  int signal() const;

 private:
  std::array<struct sigaction, 4> former_{};
};

}  // namespace lodestone
