#pragma once

// Internal to distributed/, since it has c10d types: include it from .cpp files only.

#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/csrc/distributed/c10d/Types.hpp>

#include "distributed/transport/rank_work.h"

namespace lodestone::distributed {

/// One collective or message, as a rank requests it. All tensors are contiguous and on the CPU.
struct Call {
  c10d::OpType kind;
  const char* operation;
  c10d::ReduceOp::RedOpType op = c10d::ReduceOp::SUM;
  int peer = 0;                     ///< root, destination or source, by position in the group
  std::vector<at::Tensor> inputs;   ///< one; for reduce_scatter one per rank, adjacent in memory
  std::vector<at::Tensor> outputs;  ///< one; for all_gather one per rank, adjacent in memory
  c10::intrusive_ptr<RankWork> work;
};

}  // namespace lodestone::distributed
