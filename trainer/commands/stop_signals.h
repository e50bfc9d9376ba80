#pragma once

#include <initializer_list>

#include <signal.h>

namespace lodestone::commands {

/// The signals that a user, a scheduler or mpirun sends to stop a command, or to have it write a flight
/// record. Inline and without the heap, since it is called before the libraries are initialised.
inline sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  return signals;
}

/// Lets them in. They are blocked by the image before this one (spin_briefly), or by a parent that blocked
/// them for itself.
inline void unblock_stop_signals() {
  const sigset_t signals = stop_signals();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace lodestone::commands
