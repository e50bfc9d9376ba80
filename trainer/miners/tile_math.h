#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/miners/miner.h"

// Comparisons of a tile as sums of numbers: on a CPU bool tensors cost several times what float tensors do.

namespace lodestone {

/// 1 where x_rc > bound_r1 (x_rc < bound_r1), else 0, of x_rc's type. The bound may be a tensor or a number.
at::Tensor is_above(const at::Tensor& x_rc, const at::Tensor& bound_r1);
at::Tensor is_below(const at::Tensor& x_rc, const at::Tensor& bound_r1);
at::Tensor is_below(const at::Tensor& x_rc, double bound);

/// What to add to a score: 0 where kept_rc is 1, +inf where it is 0. In place, returns kept_rc.
at::Tensor& bar_unless(at::Tensor& kept_rc);

/// The positive at column_a of each anchor (int64 [a]) as its only slot: [a, 1].
Positives only_slot(const Positives& all, const at::Tensor& column_a);

/// The slot's distances as a bound for the rows of a tile: [r, 1], of the tile's type.
at::Tensor as_bound(const at::Tensor& positive_r, const at::Tensor& distance_rc);

}  // namespace lodestone
