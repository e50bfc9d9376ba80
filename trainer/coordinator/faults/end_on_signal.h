#pragma once

#include <array>

#include <signal.h>

namespace lodestone {

/// While it lives, SIGTERM, SIGINT and SIGHUP end the process at once with 128 + the signal, where they would do so by default too:
/// a container's first process has no defaults. One that is ignored stays so, as under nohup. The destructor puts
/// the former handlers back; handlers that are put up later count before it.
class EndOnSignal {
 public:
  EndOnSignal();
  ~EndOnSignal();
  EndOnSignal(const EndOnSignal&) = delete;
  EndOnSignal& operator=(const EndOnSignal&) = delete;

 private:
  std::array<struct sigaction, 3> former_{};
};

}  // namespace lodestone
