#pragma once

#include <array>

#include <signal.h>

namespace lodestone::coordinator {

/// Makes SIGTERM, SIGINT and SIGHUP end the process at once with exit code 128 + signal, also in the
/// first process of a container, where the default handlers do nothing. A signal that is ignored, as
/// SIGHUP is under nohup, stays ignored. The destructor restores the previous handlers; handlers
/// installed later take precedence.
class EndOnSignal {
 public:
  EndOnSignal();
  ~EndOnSignal();
  EndOnSignal(const EndOnSignal&) = delete;
  EndOnSignal& operator=(const EndOnSignal&) = delete;

 private:
  std::array<struct sigaction, 3> former_{};
};

}  // namespace lodestone::coordinator
