#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "distributed/control/control.h"
#include "trainer/coordinator/faults/flight_dump.h"
#include "trainer/coordinator/faults/signal_tap.h"

namespace lodestone {

/// Watches over a rank from a thread of its own, so that it works while training hangs. It writes the flight record when SIGTERM
/// or SIGUSR2 comes, when the control plane says that a rank is lost, and, on all ranks, when rank 0 sees one lag; rank 0 names
/// that one to `warn`, once until it has caught up. Destroying it writes the record of a failure that it had no time to.
/// Requires a StopSignals that outlives it, if there is one. Threads: construct and destroy on the same one.
class FlightWatch {
 public:
  /// `control` is null in world 1.
  FlightWatch(std::shared_ptr<ControlPlane> control, const FlightDump& dump, Warn warn);
  ~FlightWatch();
  FlightWatch(const FlightWatch&) = delete;
  FlightWatch& operator=(const FlightWatch&) = delete;

 private:
  void run();
  void look_at_ranks();
  void write_failure();

  const std::shared_ptr<ControlPlane> control_;
  const FlightDump& dump_;
  const Warn warn_;
  SignalTap tap_;
  std::atomic<bool> ending_{false};
  bool failure_written_ = false;  // the thread's, then the destructor's
  bool lag_named_ = false;
  int64_t flights_given_ = 0;
  std::thread thread_;
};

}  // namespace lodestone
