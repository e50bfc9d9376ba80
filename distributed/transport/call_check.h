#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace lodestone::distributed {

struct GroupState;

/// The next collective of a rank: the operation, and the arguments that must be equal on all ranks.
struct CallSignature {
  const char* operation;
  int64_t argument;
};

/// With GroupOptions::compare_calls, compares the next collective of all ranks. Throws the CommError that
/// names the ranks whose operation, step, dtype, argument or `shared_sizes` differ from rank 0's. Without it,
/// does nothing.
/// Cost      an all_reduce of 16 bytes, over MPI if the group has it; an all_gather of 48 bytes per rank only
///           when ranks differ.
void compare_calls(GroupState& state, const CallSignature& call, const at::Tensor& x,
                   at::IntArrayRef shared_sizes);

}  // namespace lodestone::distributed
