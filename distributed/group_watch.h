#pragma once

#include <map>
#include <string>

#include "distributed/group.h"

namespace lodestone {

/// The seconds that callers on this rank have spent starting and awaiting collectives, by verb ("all_reduce",
/// "all_gather", "reduce_scatter", "broadcast", "send_recv", "barrier", "gradient_sync"). The time in which
/// an asynchronous collective runs behind other work is not included.
/// Ranks     not collective.
std::map<std::string, double> collective_seconds(const Group& group);

}  // namespace lodestone
