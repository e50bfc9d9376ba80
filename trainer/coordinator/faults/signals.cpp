#include "trainer/coordinator/faults/signals.h"

#include <atomic>
#include <string>

#include <unistd.h>

#include "common/error.h"

namespace lodestone::coordinator {

namespace {

constexpr std::array<int, 4> kSignals{SIGTERM, SIGINT, SIGUSR1, SIGHUP};

// Globals, since a signal handler has no argument; therefore only one object may exist.
std::atomic<bool> g_installed{false};
std::atomic<int> g_first{0};
std::atomic<bool> g_terminated{false};
static_assert(std::atomic<int>::is_always_lock_free, "a handler may touch lock-free atomics only");

void on_signal(int signal) {
  int none = 0;
  g_first.compare_exchange_strong(none, signal);
  if (signal != SIGUSR1 && g_terminated.exchange(true)) ::_exit(128 + signal);
}

}  // namespace

StopSignals::StopSignals() {
  if (g_installed.exchange(true))
    throw Error("signals: expected one StopSignals in a process, got a second one");
  g_first = 0;
  g_terminated = false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // a write in progress is restarted
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &former_[i]);
    if (kSignals[i] != SIGHUP || former_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &former_[i], nullptr);
  g_installed = false;
}

bool StopSignals::stop_requested() const {
  return g_first != 0;
}

int StopSignals::signal() const {
  return g_first;
}

}  // namespace lodestone::coordinator
