#pragma once

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone::distributed {

/// Sums `x` over ranks, differentiably. Synchronised batch norm needs it.
/// Math      y = sum_r x_r on every rank; dL/dx_r = sum_q dL/dy_q.
/// Ranks     collective, and so is its backward pass: every rank must run both, in the same order.
/// Gradient  the job's loss L is the SUM of the losses from which the ranks' backward passes start, as
///           everywhere in this library. Each rank has a copy of y with its own part dL/dy_q, so the adjoint
///           is again a sum over ranks. (If each rank computed the same whole loss, the result would be W
///           times too large.)
/// Cost      one all_reduce forward, one backward. W = 1: returns x.
/// Throws    CommError, also from the backward pass.
at::Tensor all_reduce_sum(const Group& group, const at::Tensor& x);

}  // namespace lodestone::distributed
