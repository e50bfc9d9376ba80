#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace lodestone {

struct GroupState;

/// What a rank is about to do: the verb and what of its arguments all ranks must share.
struct CallSignature {
  const char* verb;
  int64_t argument;
};

/// With GroupOptions::compare_calls: learns what the others are about to do, and throws the CommError that
/// names those who differ from rank 0 in verb, step, dtype, argument or `shared_sizes`. Otherwise nothing.
/// Cost       an all-reduce of 16 bytes, over MPI where the group has it; only when ranks differ an all-gather
///            of 48 bytes per rank as well.
void compare_calls(GroupState& state, const CallSignature& call, const at::Tensor& x,
                   at::IntArrayRef shared_sizes);

}  // namespace lodestone
