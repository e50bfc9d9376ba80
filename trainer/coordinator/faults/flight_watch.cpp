#include "trainer/coordinator/faults/flight_watch.h"

#include <csignal>
#include <cstring>

namespace lodestone::coordinator {

namespace {
constexpr std::chrono::milliseconds kPollInterval{250};
}

FlightWatch::FlightWatch(std::shared_ptr<distributed::ControlPlane> control, const FlightDump& dump,
                         Warn warn)
    : control_(std::move(control)), dump_(dump), warn_(std::move(warn)), thread_([this] { run(); }) {}

FlightWatch::~FlightWatch() {
  ending_ = true;
  tap_.wake();
  thread_.join();
  write_failure();
}

void FlightWatch::run() {
  while (!ending_) {
    if (const int signal = tap_.heard(kPollInterval))
      dump_.write(std::string("signal: ") + ::strsignal(signal));
    write_failure();
    check_ranks();
  }
}

void FlightWatch::write_failure() {
  if (failure_written_ || !control_) return;
  const auto failure = control_->failure();
  if (!failure) return;
  dump_.write(*failure);
  failure_written_ = true;
}

void FlightWatch::check_ranks() {
  if (!control_ || failure_written_) return;
  const std::string lag = control_->laggards();
  if (!lag.empty() && !lag_named_) {
    warn_(lag);
    control_->request_flight_records();
  }
  lag_named_ = !lag.empty();
  const int64_t requested = control_->flight_requests();
  if (requested != flights_given_) dump_.write(lag.empty() ? "rank 0 sees a rank lag" : lag);
  flights_given_ = requested;
}

}  // namespace lodestone::coordinator
