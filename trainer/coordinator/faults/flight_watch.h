#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "distributed/control/control.h"
#include "trainer/coordinator/faults/flight_dump.h"
#include "trainer/coordinator/faults/signal_tap.h"

namespace lodestone::coordinator {

/// Writes the flight record of a rank from a thread of its own, so that it works while training hangs. The
/// record is written on SIGTERM and SIGUSR2, when the control plane reports a lost rank, and on all ranks
/// when rank 0 finds a rank that lags; rank 0 then names that rank to `warn`, once until it has caught up.
/// The destructor writes the record of a failure that the thread had no time for.
/// Requires  a StopSignals, if there is one, outlives this object
/// Threads   construct and destroy it on the same thread
class FlightWatch {
 public:
  /// `control` is null in world 1.
  FlightWatch(std::shared_ptr<distributed::ControlPlane> control, const FlightDump& dump, Warn warn);
  ~FlightWatch();
  FlightWatch(const FlightWatch&) = delete;
  FlightWatch& operator=(const FlightWatch&) = delete;

 private:
  void run();
  void check_ranks();
  void write_failure();

  const std::shared_ptr<distributed::ControlPlane> control_;
  const FlightDump& dump_;
  const Warn warn_;
  SignalTap tap_;
  std::atomic<bool> ending_{false};
  bool failure_written_ = false;  ///< used by the thread, then by the destructor
  bool lag_named_ = false;
  int64_t flights_given_ = 0;
  std::thread thread_;
};

}  // namespace lodestone::coordinator
