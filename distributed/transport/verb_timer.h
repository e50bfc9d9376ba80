#pragma once

#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

/// Adds its lifetime to the seconds of a verb, unless there is no state.
class VerbTimer {
 public:
  VerbTimer(GroupState* state, const char* verb) : state_(state), verb_(verb), start_(Clock::now()) {}
  ~VerbTimer() {
    if (state_ != nullptr)
      count_seconds(*state_, verb_, std::chrono::duration<double>(Clock::now() - start_).count());
  }
  VerbTimer(const VerbTimer&) = delete;
  VerbTimer& operator=(const VerbTimer&) = delete;

 private:
  GroupState* state_;
  const char* verb_;
  Clock::time_point start_;
};

}  // namespace lodestone::distributed
