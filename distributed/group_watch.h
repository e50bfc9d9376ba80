#pragma once

#include <map>
#include <string>

#include "distributed/group.h"

namespace lodestone::distributed {

/// The seconds that callers on this rank have spent starting and awaiting collectives, by operation
/// ("all_reduce", "all_gather", "reduce_scatter", "broadcast", "send_recv", "barrier", "gradient_sync"). The
/// time in which an asynchronous collective runs behind other work is not included.
/// Ranks     not collective.
std::map<std::string, double> collective_seconds(const Group& group);

/// This rank's record and what it knows of the others, as JSON: {rank, world, step, reason, failure, time,
/// collectives: [{sequence, group, verb, bytes, step, state, begun, seconds}]}. Times are seconds since 1970.
/// Ranks     not collective.
std::string flight_record_json(const Group& group, const std::string& reason);

}  // namespace lodestone::distributed
