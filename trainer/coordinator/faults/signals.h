#pragma once

#include <array>

#include <signal.h>

namespace lodestone::coordinator {

/// Turns SIGTERM, SIGINT, SIGUSR1 and SIGHUP into a request to stop: the training loop polls stop_requested()
/// and agrees with the other ranks on the step to stop at. A second SIGTERM, SIGINT or SIGHUP exits at once
/// with 128 + signal; SIGUSR1, which schedulers send as an early notice, does not count. A SIGHUP that is
/// ignored, as under nohup, stays ignored. The destructor restores the previous handlers.
/// Requires  no other StopSignals exists, since signals belong to the process
/// Throws    Error if one does
/// Threads   stop_requested() and signal() are safe concurrently
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool stop_requested() const;
  /// The first signal that requested the stop, or 0.
  int signal() const;

 private:
  std::array<struct sigaction, 4> former_{};
};

}  // namespace lodestone::coordinator
