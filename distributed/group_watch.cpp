#include "distributed/group_watch.h"

#include "distributed/transport/transport.h"

namespace lodestone {

void count_seconds(GroupState& state, const char* verb, double seconds) {
  const std::lock_guard lock(state.mutex);
  state.seconds[verb] += seconds;
}

std::map<std::string, double> collective_seconds(const Group& group) {
  GroupState& state = group.state();
  const std::lock_guard lock(state.mutex);
  return state.seconds;
}

}  // namespace lodestone
