#pragma once

#include <string>

#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

/// Opens NCCL for the members of the group, on the GPU `cuda_index`, with the control plane's store;
/// `purpose` is unique within the job.
/// Ranks     collective over the members
void open_nccl(GroupState& state, const std::string& purpose);

}  // namespace lodestone::distributed
