#pragma once

#include <map>
#include <string>

#include "distributed/group.h"

namespace lodestone {

/// The seconds that this rank's callers have spent so far in starting collectives and in waiting for them, by verb
/// ("all_reduce", "all_gather", "reduce_scatter", "broadcast", "send_recv", "barrier", "gradient_sync"). What an
/// asynchronous one goes on behind other work isn't in it. Not collective.
std::map<std::string, double> collective_seconds(const Group& group);

}  // namespace lodestone
