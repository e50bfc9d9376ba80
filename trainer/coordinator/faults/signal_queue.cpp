#include "trainer/coordinator/faults/signal_queue.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/files.h"

namespace lodestone::coordinator {

SignalQueue::SignalQueue(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, &former_);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ >= 0) return;
  const std::string reason = std::strerror(errno);
  ::sigprocmask(SIG_SETMASK, &former_, nullptr);
  throw IoError("signals: signalfd failed: " + reason);
}

SignalQueue::~SignalQueue() {
  ::close(fd_);
  ::sigprocmask(SIG_SETMASK, &former_, nullptr);
}

std::optional<int> SignalQueue::next(std::chrono::milliseconds patience) {
  pollfd waited{fd_, POLLIN, 0};
  const auto limit = std::clamp<int64_t>(patience.count(), 0, 3'600'000);
  if (::poll(&waited, 1, static_cast<int>(limit)) < 1) return {};
  signalfd_siginfo info{};
  if (::read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return {};
  return static_cast<int>(info.ssi_signo);
}

}  // namespace lodestone::coordinator
