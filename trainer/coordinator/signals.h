#pragma once

#include <array>

#include <signal.h>

namespace lodestone {

/// While it lives, SIGTERM, SIGINT and SIGUSR1 ask for a stop and do nothing else; the training loop looks at
/// stop_requested() and agrees with the other ranks on the step to stop at. A second SIGTERM or SIGINT exits
/// at once with 128 + signal (USR1, which schedulers send as an early notice, doesn't count). The destructor
/// puts the former handlers back. Requires that no other object of this kind lives: signals belong to the
/// process. Throws Error if one does. Threads  stop_requested() and signal() are safe concurrently
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
  std::array<struct sigaction, 3> former_{};
};

}  // namespace lodestone
