#pragma once

#include <ATen/core/Tensor.h>

#include "distributed/group.h"

namespace lodestone {

/// The sum of `x` over ranks, differentiable: what synchronised batch norm needs.
/// Math       y = sum_r x_r on every rank; dL/dx_r = sum_q dL/dy_q.
/// Ranks      collective, and so is its backward pass: every rank must run it, in the same order.
/// Gradient   convention: the job's loss L is the SUM of what the ranks' backward passes start from, as
///            everywhere in this library. y exists once per rank, each copy carries its own part dL/dy_q, so
///            the adjoint is again a sum over ranks. (Where each rank computes the same whole loss, the
///            result would be W times too large.)
/// Cost       one all_reduce forward, one backward. W = 1: returns x.
/// Throws     CommError, also out of the backward pass.
at::Tensor all_reduce_sum(const Group& group, const at::Tensor& x);

}  // namespace lodestone
