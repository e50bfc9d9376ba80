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

at::Tensor squared_norms(const at::Tensor& u_rD) { return u_rD.square().sum(1); }

// |u|² + |v|² - 2 u·v. Returns the entries (row, column) that have lost too many digits.
at::Tensor expand(const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc) {
  const at::Tensor u_r = squared_norms(u_rD), v_c = squared_norms(v_cD);
  at::addmm_out(out_rc, v_c.unsqueeze(0), u_rD, v_cD.t(), 1, -2).add_(u_r.unsqueeze(1)).clamp_min_(0);
  const double share = cancellation_share(out_rc.scalar_type());
  if (out_rc.numel() == 0 || out_rc.min().item<double>() >= share * (u_r.max() + v_c.max()).item<double>()) return {};
  return at::nonzero(out_rc < share * (u_r.unsqueeze(1) + v_c.unsqueeze(0)));
}

void squared_distances(const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc) {
  at::Tensor small_tk = expand(u_rD, v_cD, out_rc);
  // Many: the rows lie in one place. Distances don't change when that place becomes the origin.
  if (small_tk.defined() && small_tk.size(0) > out_rc.numel() / 64) {
    const at::Tensor centre_1D = v_cD.mean(0, /*keepdim=*/true);
    const at::Tensor moved_rD = u_rD - centre_1D, moved_cD = v_cD - centre_1D;
    small_tk = expand(moved_rD, moved_cD, out_rc);
  }
  if (!small_tk.defined()) return;
  for (int64_t begin = 0; begin < small_tk.size(0); begin += kExactChunk) {
    const int64_t size = std::min(kExactChunk, small_tk.size(0) - begin);
    const at::Tensor r_t = small_tk.narrow(0, begin, size).select(1, 0);
    const at::Tensor c_t = small_tk.narrow(0, begin, size).select(1, 1);
    const at::Tensor difference_tD = u_rD.index_select(0, r_t) - v_cD.index_select(0, c_t);
    out_rc.index_put_({r_t, c_t}, squared_norms(difference_tD));
  }
}

}  // namespace

void measure_tile(Measure measure, const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc) {
  if (measure == Measure::kSimilarity) {
    at::mm_out(out_rc, u_rD, v_cD.t());
    return;
  }
  squared_distances(u_rD, v_cD, out_rc);
  if (measure == Measure::kL2) out_rc.sqrt_();
}

at::Tensor measure_pairs(Measure measure, const at::Tensor& u_tD, const at::Tensor& v_tD) {
  if (measure == Measure::kSimilarity) return (u_tD * v_tD).sum(1);
  const at::Tensor squared_t = (u_tD - v_tD).square().sum(1);
  if (measure == Measure::kSquaredL2) return squared_t;
  // The root's slope is infinite at 0; a stand-in under the root makes the sub-gradient there 0 instead of NaN.
  const at::Tensor apart_t = squared_t > 0;
  return at::where(apart_t, at::sqrt(at::where(apart_t, squared_t, 1)), 0);
}

void prepare_pull(Measure measure, const at::Tensor& distance_rc, at::Tensor& weight_rc) {
  if (measure == Measure::kSquaredL2) weight_rc.mul_(2);
  // 0/0 and w/0 become 0: d|u - v|/du = (u - v)/|u - v|, and 0 where they coincide.
  if (measure == Measure::kL2) weight_rc.div_(distance_rc).nan_to_num_(0, 0, 0);
}

void add_pull(Measure measure, const at::Tensor& pull_rc, const at::Tensor& u_rD, const at::Tensor& v_cD,
              at::Tensor& gradient_rD) {
  if (measure == Measure::kSimilarity) {
    gradient_rD.addmm_(pull_rc, v_cD);
  } else {
    gradient_rD.addmm_(pull_rc, v_cD, 1, -1).addcmul_(u_rD, pull_rc.sum(1).unsqueeze(1));
  }
}

void add_pair_gradient(Measure measure, const at::Tensor& weight_t, const at::Tensor& u_tD, const at::Tensor& v_tD,
                       const at::Tensor& row_t, at::Tensor& gradient_nD) {
  const at::Tensor weight_t1 = weight_t.unsqueeze(1);
  at::Tensor slope_tD = v_tD;
  if (measure == Measure::kSquaredL2) slope_tD = 2 * (u_tD - v_tD);
  if (measure == Measure::kL2) {
    const at::Tensor distance_t1 = measure_pairs(measure, u_tD, v_tD).unsqueeze(1);
    slope_tD = at::where(distance_t1 > 0, (u_tD - v_tD) / distance_t1, 0);
  }
  gradient_nD.index_add_(0, row_t, (weight_t1 * slope_tD).to(gradient_nD.scalar_type()));
}

}  // namespace lodestone
