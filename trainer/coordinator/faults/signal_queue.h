#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>

#include <signal.h>

namespace lodestone {

/// While it lives, these signals do nothing but wait to be asked for. The destructor puts the former mask back.
/// Requires a process without other threads, which would get the signals instead. Throws IoError.
class SignalQueue {
 public:
  explicit SignalQueue(std::initializer_list<int> signals);
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  /// The next signal; none if none comes within `patience`.
  std::optional<int> next(std::chrono::milliseconds patience);

 private:
  sigset_t former_{};
  int fd_ = -1;
};

}  // namespace lodestone
