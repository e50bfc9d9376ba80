#include "trainer/miners/tile_math.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/lt.h>

namespace lodestone {

at::Tensor is_above(const at::Tensor& x_rc, const at::Tensor& bound_r1) {
  at::Tensor above_rc = at::empty_like(x_rc);
  return at::gt_out(above_rc, x_rc, bound_r1);
}

at::Tensor is_below(const at::Tensor& x_rc, const at::Tensor& bound_r1) {
  at::Tensor below_rc = at::empty_like(x_rc);
  return at::lt_out(below_rc, x_rc, bound_r1);
}

at::Tensor is_below(const at::Tensor& x_rc, double bound) {
  at::Tensor below_rc = at::empty_like(x_rc);
  return at::lt_out(below_rc, x_rc, bound);
}

at::Tensor& bar_unless(at::Tensor& kept_rc) {
  return kept_rc.reciprocal_().sub_(1);
}

Positives only_slot(const Positives& all, const at::Tensor& column_a) {
  const at::Tensor column_a1 = column_a.unsqueeze(1);
  return {all.distance_aP.gather(1, column_a1), all.index_aP.gather(1, column_a1)};
}

at::Tensor as_bound(const at::Tensor& positive_r, const at::Tensor& distance_rc) {
  return positive_r.to(distance_rc.scalar_type()).unsqueeze(1);
}

}  // namespace lodestone
