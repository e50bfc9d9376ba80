#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>

#include <signal.h>

namespace lodestone::coordinator {

/// Blocks the given signals and queues them for next(). The destructor restores the previous signal mask.
/// Requires  a process without other threads, which would receive the signals instead
/// Throws    IoError
class SignalQueue {
 public:
  explicit SignalQueue(std::initializer_list<int> signals);
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  /// The next signal; nullopt if none arrives within `patience`.
  std::optional<int> next(std::chrono::milliseconds patience);

 private:
  sigset_t former_{};
  int fd_ = -1;
};

}  // namespace lodestone::coordinator
