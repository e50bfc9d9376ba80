#include "trainer/coordinator/checkpoints/save_request.h"

#include <atomic>

#include "common/error.h"

namespace lodestone::coordinator {

namespace {

// A global, since a signal handler has no argument.
std::atomic<bool> g_installed{false};
std::atomic<bool> g_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a handler may touch lock-free atomics only");

void on_signal(int) {
  g_wanted = true;
}

}  // namespace

SaveRequest::SaveRequest() {
  if (g_installed.exchange(true))
    throw Error("signals: expected one SaveRequest in a process, got a second one");
  g_wanted = false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGUSR2, &action, &former_);
}

SaveRequest::~SaveRequest() {
  ::sigaction(SIGUSR2, &former_, nullptr);
  g_installed = false;
}

bool SaveRequest::take() {
  return g_wanted.exchange(false);
}

void request_save() {
  g_wanted = true;
}

}  // namespace lodestone::coordinator
