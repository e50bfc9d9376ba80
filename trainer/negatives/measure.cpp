#include "trainer/negatives/measure.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

namespace lodestone {

namespace {

// Pairs whose differences are formed at a time: bounds the memory of the exact path.
constexpr int64_t kExactChunk = 1 << 14;

// The expansion's rounding error is a few epsilon of |u|² + |v|². Below this share of it a squared distance would have a
// relative error above 1e-5 in float32 (1e-12 in float64).
double cancellation_share(at::ScalarType type) { return type == at::kDouble ? 1e-3 : 5e-2; }

void recompute_small(at::Tensor& squared_rc, const at::Tensor& norms_rc, const at::Tensor& u_rD, const at::Tensor& v_cD) {
  const at::Tensor small_tk = at::nonzero(squared_rc < cancellation_share(squared_rc.scalar_type()) * norms_rc);
  for (int64_t begin = 0; begin < small_tk.size(0); begin += kExactChunk) {
    const int64_t size = std::min(kExactChunk, small_tk.size(0) - begin);
    const at::Tensor r_t = small_tk.narrow(0, begin, size).select(1, 0);
    const at::Tensor c_t = small_tk.narrow(0, begin, size).select(1, 1);
    const at::Tensor difference_tD = u_rD.index_select(0, r_t) - v_cD.index_select(0, c_t);
    squared_rc.index_put_({r_t, c_t}, difference_tD.square().sum(1));
  }
}

}  // namespace

at::Tensor measure_tile(Measure measure, const at::Tensor& u_rD, const at::Tensor& v_cD) {
  if (measure == Measure::kSimilarity) return at::mm(u_rD, v_cD.t());
  const at::Tensor norms_rc = u_rD.square().sum(1).unsqueeze(1) + v_cD.square().sum(1).unsqueeze(0);
  at::Tensor squared_rc = at::clamp_min(at::addmm(norms_rc, u_rD, v_cD.t(), 1, -2), 0);
  recompute_small(squared_rc, norms_rc, u_rD, v_cD);
  return measure == Measure::kL2 ? squared_rc.sqrt_() : squared_rc;
}

at::Tensor measure_pairs(Measure measure, const at::Tensor& u_tD, const at::Tensor& v_tD) {
  if (measure == Measure::kSimilarity) return (u_tD * v_tD).sum(1);
  const at::Tensor squared_t = (u_tD - v_tD).square().sum(1);
  if (measure == Measure::kSquaredL2) return squared_t;
  // The root's slope is infinite at 0; a stand-in under the root makes the sub-gradient there 0 instead of NaN.
  const at::Tensor apart_t = squared_t > 0;
  return at::where(apart_t, at::sqrt(at::where(apart_t, squared_t, 1)), 0);
}

void add_tile_gradient(Measure measure, const at::Tensor& weight_rc, const at::Tensor& value_rc, const at::Tensor& u_rD,
                       const at::Tensor& v_cD, at::Tensor& gradient_rD) {
  if (measure == Measure::kSimilarity) {
    gradient_rD.addmm_(weight_rc, v_cD);
    return;
  }
  // d|u - v|/du = (u - v)/|u - v| and d|u - v|²/du = 2 (u - v).
  const at::Tensor pull_rc =
      measure == Measure::kSquaredL2 ? 2 * weight_rc : at::where(value_rc > 0, weight_rc / value_rc, 0);
  gradient_rD.addmm_(pull_rc, v_cD, 1, -1).addcmul_(u_rD, pull_rc.sum(1).unsqueeze(1));
}

}  // namespace lodestone
