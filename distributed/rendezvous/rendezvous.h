#pragma once

#include <memory>

#include "distributed/control/control.h"
#include "distributed/rendezvous/launch_info.h"
#include "distributed/transport/transport.h"

namespace lodestone {

/// Starts the control plane on every rank; rank 0's address and token are sent by MPI_Bcast. If rank 0 cannot
/// serve, every rank throws its error.
std::shared_ptr<ControlPlane> meet_over_mpi(ControlOptions wanted, MpiRuntime& mpi);

/// The same with MASTER_ADDR and MASTER_PORT. Rank 0 serves there, unless torchrun's agent does already; then
/// rank 0 uses a free port and publishes its address in the agent's store.
std::shared_ptr<ControlPlane> meet_at_master(ControlOptions wanted, const LaunchInfo& info,
                                             const Environment& environment);

}  // namespace lodestone
