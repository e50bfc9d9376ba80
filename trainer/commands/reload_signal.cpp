#include "trainer/commands/reload_signal.h"

#include <atomic>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

#include "common/error.h"

namespace lodestone::commands {

namespace {

// Globals, since a signal handler has no argument. A handler may post a semaphore.
std::atomic<bool> g_installed{false}, g_ending{false}, g_stop{false};
sem_t g_signals;

void on_hangup(int) {
  const int code = errno;
  ::sem_post(&g_signals);
  errno = code;
}

bool has_terminal() {
  const int fd = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

}  // namespace

ReloadSignal::ReloadSignal(std::function<void()> reload) : reload_(std::move(reload)) {
  if (g_installed.exchange(true)) throw Error("signals: expected one ReloadSignal in a process, got another");
  g_ending = g_stop = false;
  ::sem_init(&g_signals, 0, 0);
  struct sigaction action {};
  action.sa_handler = on_hangup;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGHUP, &action, &former_);
  ends_with_terminal_ = former_.sa_handler != SIG_IGN && has_terminal();
  thread_ = std::thread([this] { wait(); });
}

ReloadSignal::~ReloadSignal() {
  ::sigaction(SIGHUP, &former_, nullptr);
  g_ending = true;
  ::sem_post(&g_signals);
  thread_.join();
  ::sem_destroy(&g_signals);
  g_installed = false;
}

void ReloadSignal::wait() {
  for (;;) {
    while (::sem_wait(&g_signals) != 0) {
    }
    while (::sem_trywait(&g_signals) == 0) {  // several signals, one call
    }
    if (g_ending) return;
    if (ends_with_terminal_ && !has_terminal())
      g_stop = true;
    else
      reload_();
  }
}

bool ReloadSignal::stop_requested() const {
  return g_stop;
}

}  // namespace lodestone::commands
