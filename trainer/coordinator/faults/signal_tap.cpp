#include "trainer/coordinator/faults/signal_tap.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/error.h"

namespace lodestone::coordinator {

namespace {

constexpr std::array<int, 2> kTapped{SIGTERM, SIGUSR2};

// Globals for the handler, which has no argument.
std::atomic<int> g_fd{-1};
std::atomic<int> g_signal{0};
std::array<struct sigaction, kTapped.size()> g_former{};

void on_tapped(int signal) {
  const int error = errno;
  g_signal = signal;
  const uint64_t one = 1;
  // The signal is recorded, and the next heard() finds it.
  if (::write(g_fd, &one, sizeof one) < 0) errno = error;
  const auto former = g_former[signal == kTapped[0] ? 0 : 1].sa_handler;
  if (former != SIG_DFL && former != SIG_IGN) former(signal);
  errno = error;
}

}  // namespace

SignalTap::SignalTap() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Error(std::string("signals: eventfd failed: ") + std::strerror(errno));
  int none = -1;
  if (!g_fd.compare_exchange_strong(none, fd_)) {
    ::close(fd_);
    throw Error("signals: expected one SignalTap in a process, got a second one");
  }
  g_signal = 0;
  struct sigaction action {};
  action.sa_handler = on_tapped;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kTapped.size(); ++i) {
    ::sigaction(kTapped[i], nullptr, &g_former[i]);
    ::sigaction(kTapped[i], &action, nullptr);
  }
}

SignalTap::~SignalTap() {
  for (size_t i = 0; i < kTapped.size(); ++i) ::sigaction(kTapped[i], &g_former[i], nullptr);
  g_fd = -1;
  ::close(fd_);
}

int SignalTap::heard(std::chrono::milliseconds patience) {
  pollfd waited{fd_, POLLIN, 0};
  uint64_t count = 0;
  if (::poll(&waited, 1, static_cast<int>(patience.count())) == 1 && ::read(fd_, &count, sizeof count) < 0)
    return 0;
  return g_signal.exchange(0);
}

void SignalTap::wake() const {
  const uint64_t one = 1;
  // It fails only if the counter is full, which wakes the reader too.
  if (::write(fd_, &one, sizeof one) < 0) return;
}

}  // namespace lodestone::coordinator
