#pragma once

#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

/// Adds its lifetime to the seconds of an operation, unless there is no state.
class CallTimer {
 public:
  CallTimer(GroupState* state, const char* operation)
      : state_(state), operation_(operation), start_(Clock::now()) {}
  ~CallTimer() {
    if (state_ != nullptr)
      count_seconds(*state_, operation_, std::chrono::duration<double>(Clock::now() - start_).count());
  }
  CallTimer(const CallTimer&) = delete;
  CallTimer& operator=(const CallTimer&) = delete;

 private:
  GroupState* state_;
  const char* operation_;
  Clock::time_point start_;
};

}  // namespace lodestone::distributed
