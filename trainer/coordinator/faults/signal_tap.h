#pragma once

#include <array>
#include <chrono>

#include <signal.h>

namespace lodestone {

/// Hears of SIGTERM and SIGUSR2 beside whoever handles them: the former handler is called as before. SIGUSR2 alone would end the
/// process; with this it does not. The destructor puts the former handlers back. Requires that no other object of this
/// kind lives, and that handlers put up later are taken down before it. Throws Error if one does, or if there is no eventfd.
/// Threads    heard() from one
class SignalTap {
 public:
  SignalTap();
  ~SignalTap();
  SignalTap(const SignalTap&) = delete;
  SignalTap& operator=(const SignalTap&) = delete;

  /// Waits up to `patience` for one of the signals, or for wake(). Returns the signal, 0 if there was none.
  int heard(std::chrono::milliseconds patience);
  /// Ends a heard() under way.
  void wake() const;

 private:
  int fd_ = -1;
};

}  // namespace lodestone
