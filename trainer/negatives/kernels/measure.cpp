#include "trainer/negatives/kernels/measure.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/negatives/kernels/bf16_product.h"
#include "trainer/negatives/kernels/fused_kernels.h"

namespace lodestone::negatives {

namespace {

// Pairs whose differences are formed at a time: bounds the memory of the exact path.
constexpr int64_t kExactChunk = 1 << 14;

// The expansion's rounding error is a few epsilon of |u|² + |v|². Below this share of it a squared distance
// would have a relative error above 1e-5 in float32 (1e-12 in float64).
double cancellation_share(at::ScalarType type) {
  return type == at::kDouble ? 1e-3 : 5e-2;
}

at::Tensor squared_norms(const at::Tensor& u_rD) {
  return u_rD.square().sum(1);
}

// |u|² + |v|² - 2 u·v, or its root. Returns the entries (row, column) that have lost too many digits.
at::Tensor expand(const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc, bool root) {
  const TileFactors squares{squared_norms(u_rD), squared_norms(v_cD)};
  const double share = cancellation_share(out_rc.scalar_type());
  at::addmm_out(out_rc, out_rc, u_rD, v_cD.t(), /*beta=*/0, /*alpha=*/-2);
  if (!finish_distances(out_rc, squares, share, root)) return {};
  const at::Tensor bound_rc = share * (squares.row_r.unsqueeze(1) + squares.reference_c.unsqueeze(0));
  return at::nonzero(out_rc < (root ? bound_rc.sqrt() : bound_rc));
}

// Recomputes these entries from the differences, squared or not.
void distances(const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc, bool root) {
  if (out_rc.numel() == 0) return;
  at::Tensor small_tk = expand(u_rD, v_cD, out_rc, root);
  // Many entries: the rows are close together. Distances do not change when that place becomes the origin.
  if (small_tk.defined() && small_tk.size(0) > out_rc.numel() / 64) {
    const at::Tensor centre_1D = v_cD.mean(0, /*keepdim=*/true);
    const at::Tensor moved_rD = u_rD - centre_1D, moved_cD = v_cD - centre_1D;
    small_tk = expand(moved_rD, moved_cD, out_rc, root);
  }
  if (!small_tk.defined()) return;
  for (int64_t begin = 0; begin < small_tk.size(0); begin += kExactChunk) {
    const int64_t size = std::min(kExactChunk, small_tk.size(0) - begin);
    const at::Tensor r_t = small_tk.narrow(0, begin, size).select(1, 0);
    const at::Tensor c_t = small_tk.narrow(0, begin, size).select(1, 1);
    const at::Tensor difference_tD = u_rD.index_select(0, r_t) - v_cD.index_select(0, c_t);
    const at::Tensor square_t = squared_norms(difference_tD);
    out_rc.index_put_({r_t, c_t}, root ? square_t.sqrt() : square_t);
  }
}

}  // namespace

void measure_tile(losses::Measure measure, const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc,
                  double scale) {
  if (u_rD.scalar_type() == at::kBFloat16)
    add_bf16_product(out_rc, u_rD, v_cD.t(), /*beta=*/0, /*alpha=*/scale);
  else if (measure == losses::Measure::kSimilarity)
    at::addmm_out(out_rc, out_rc, u_rD, v_cD.t(), /*beta=*/0, /*alpha=*/scale);
  else
    distances(u_rD, v_cD, out_rc, measure == losses::Measure::kL2);
}

at::Tensor measure_pairs(losses::Measure measure, const at::Tensor& u_tD, const at::Tensor& v_tD) {
  if (measure == losses::Measure::kSimilarity) return (u_tD * v_tD).sum(1);
  const at::Tensor squared_t = (u_tD - v_tD).square().sum(1);
  if (measure == losses::Measure::kSquaredL2) return squared_t;
  // The root's slope is infinite at 0; a placeholder under the root makes the sub-gradient there 0 instead of
  // NaN.
  const at::Tensor apart_t = squared_t > 0;
  return at::where(apart_t, at::sqrt(at::where(apart_t, squared_t, 1)), 0);
}

void prepare_tile_gradient(losses::Measure measure, const at::Tensor& distance_rc, at::Tensor& weight_rc) {
  if (measure == losses::Measure::kSquaredL2) weight_rc.mul_(2);
  // 0/0 and w/0 become 0: d|u - v|/du = (u - v)/|u - v|, and 0 where they coincide.
  if (measure == losses::Measure::kL2) weight_rc.div_(distance_rc).nan_to_num_(0, 0, 0);
}

void add_tile_gradient(losses::Measure measure, const at::Tensor& factor_rc, const at::Tensor& u_rD,
                       const at::Tensor& v_cD, at::Tensor& gradient_rD) {
  if (v_cD.scalar_type() == at::kBFloat16) {
    add_bf16_product(gradient_rD, factor_rc.to(at::kBFloat16), v_cD, 1, 1);
  } else if (measure == losses::Measure::kSimilarity) {
    gradient_rD.addmm_(factor_rc, v_cD);
  } else {
    gradient_rD.addmm_(factor_rc, v_cD, 1, -1).addcmul_(u_rD, factor_rc.sum(1).unsqueeze(1));
  }
}

}  // namespace lodestone::negatives
