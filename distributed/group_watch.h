#pragma once

#include <map>
#include <string>
#include <vector>

#include "distributed/control.h"
#include "distributed/group.h"

namespace lodestone {

/// The seconds that this rank's callers have spent so far in starting collectives and in waiting for them, by verb
/// ("all_reduce", "all_gather", "reduce_scatter", "broadcast", "send_recv", "barrier", "gradient_sync"). What an
/// asynchronous one goes on behind other work isn't in it. Not collective.
std::map<std::string, double> collective_seconds(const Group& group);

/// On rank 0 of the job, every rank as its last heartbeat showed it; elsewhere, and where there are no heartbeats (ranks
/// as threads, world 1), empty. Not collective.
std::vector<Peer> peers_of(const Group& group);

}  // namespace lodestone
