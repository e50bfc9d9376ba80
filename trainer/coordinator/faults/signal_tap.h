#pragma once

#include <array>
#include <chrono>

#include <signal.h>

namespace lodestone::coordinator {

/// Observes SIGTERM and SIGUSR2 in addition to their handlers, which are still called. SIGUSR2 without a
/// handler does not end the process while this object exists. The destructor restores the previous handlers.
/// Requires  no other SignalTap exists; handlers installed later are removed before it
/// Throws    Error if another one exists, or if no eventfd can be created
/// Threads   heard() is called from one thread
class SignalTap {
 public:
  SignalTap();
  ~SignalTap();
  SignalTap(const SignalTap&) = delete;
  SignalTap& operator=(const SignalTap&) = delete;

  /// Waits up to `patience` for one of the signals or for wake(). Returns the signal, or 0 if there was none.
  int heard(std::chrono::milliseconds patience);
  /// Ends a heard() that is waiting.
  void wake() const;

 private:
  int fd_ = -1;
};

}  // namespace lodestone::coordinator
