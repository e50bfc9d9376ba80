#pragma once

#include <functional>
#include <memory>
#include <string>

#include "distributed/control/control.h"
#include "distributed/rendezvous/launch_info.h"

namespace lodestone::distributed {

/// Sends rank 0's text to every rank and returns it; collective.
using Exchange = std::function<std::string(const std::string& text)>;

/// Starts the control plane on every rank, once all ranks are connected; `exchange` sends rank 0's address
/// and token. If rank 0 cannot serve, every rank throws its error.
std::shared_ptr<ControlPlane> rendezvous_by_exchange(ControlOptions wanted, const Exchange& exchange);

/// The same with MASTER_ADDR and MASTER_PORT. Rank 0 serves there, unless torchrun's agent does already; then
/// rank 0 uses a free port and publishes its address in the agent's store.
std::shared_ptr<ControlPlane> rendezvous_at_master(ControlOptions wanted, const LaunchInfo& info,
                                                   const Environment& environment);

}  // namespace lodestone::distributed
