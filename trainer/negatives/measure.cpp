#include "trainer/negatives/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>
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

namespace lodestone {

namespace {

// Pairs whose differences are formed at a time: bounds the memory of the exact path.
constexpr int64_t kExactChunk = 1 << 14;

// The expansion's rounding error is a few epsilon of |u|² + |v|². Below this share of it a squared distance would have a
// relative error above 1e-5 in float32 (1e-12 in float64).
double cancellation_share(at::ScalarType type) {
  return type == at::kDouble ? 1e-3 : 5e-2;
}

at::Tensor squared_norms(const at::Tensor& u_rD) {
  return u_rD.square().sum(1);
}

// |u|² + |v|² - 2 u·v. Returns the entries (row, column) that have lost too many digits.
at::Tensor expand(const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc) {
  const at::Tensor u_r = squared_norms(u_rD), v_c = squared_norms(v_cD);
  at::addmm_out(out_rc, v_c.unsqueeze(0), u_rD, v_cD.t(), 1, -2).add_(u_r.unsqueeze(1)).clamp_min_(0);
  const double share = cancellation_share(out_rc.scalar_type());
  if (out_rc.numel() == 0 || out_rc.min().item<double>() >= share * (u_r.max() + v_c.max()).item<double>())
    return {};
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

void measure_tile(Measure measure, const at::Tensor& u_rD, const at::Tensor& v_cD, at::Tensor& out_rc,
                  double scale) {
  if (measure == Measure::kSimilarity) {
    at::addmm_out(out_rc, out_rc, u_rD, v_cD.t(), /*beta=*/0, /*alpha=*/scale);
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

namespace {

// Elements of rows gathered at a time, off the CPU.
constexpr int64_t kGathered = 1 << 21;
constexpr int64_t kGrain = 1 << 10;

template <typename Visit>
void for_each_gathered(const at::Tensor& u_nD, const at::Tensor& row_p, const at::Tensor& v_mD,
                       const at::Tensor& ref_p, Visit visit) {
  const int64_t step = std::max<int64_t>(kGathered / std::max<int64_t>(u_nD.size(1), 1), 1);
  for (int64_t begin = 0; begin < row_p.size(0); begin += step) {
    const int64_t size = std::min(step, row_p.size(0) - begin);
    visit(begin, size, u_nD.index_select(0, row_p.narrow(0, begin, size)).to(at::kDouble),
          v_mD.index_select(0, ref_p.narrow(0, begin, size)).to(at::kDouble));
  }
}

template <typename T>
double pair_value(Measure measure, const T* u, const T* v, int64_t width) {
  double sum = 0;
  if (measure == Measure::kSimilarity) {
    for (int64_t d = 0; d < width; ++d) sum += static_cast<double>(u[d]) * static_cast<double>(v[d]);
    return sum;
  }
  for (int64_t d = 0; d < width; ++d) {
    const double difference = static_cast<double>(u[d]) - static_cast<double>(v[d]);
    sum += difference * difference;
  }
  return measure == Measure::kL2 ? std::sqrt(sum) : sum;
}

template <typename T>
void add_one(Measure measure, double weight, const T* u, const T* v, int64_t width, T* gradient) {
  if (measure == Measure::kSimilarity) {
    const T factor = static_cast<T>(weight);
    for (int64_t d = 0; d < width; ++d) gradient[d] += factor * v[d];
    return;
  }
  double factor = 2 * weight;
  if (measure == Measure::kL2) {
    const double distance = pair_value(measure, u, v, width);
    if (distance == 0) return;
    factor = weight / distance;
  }
  for (int64_t d = 0; d < width; ++d)
    gradient[d] += static_cast<T>(factor * (static_cast<double>(u[d]) - static_cast<double>(v[d])));
}

// Where each thread's stretch of pairs begins, so that no row is split; {0, all} if rows don't ascend.
std::vector<int64_t> stretches_of_rows(const int64_t* row, int64_t pairs) {
  if (!std::is_sorted(row, row + pairs)) return {0, pairs};
  std::vector<int64_t> edges = {0};
  while (edges.back() < pairs) {
    int64_t end = std::min(edges.back() + kGrain, pairs);
    while (end < pairs && row[end] == row[end - 1]) ++end;
    edges.push_back(end);
  }
  return edges;
}

}  // namespace

at::Tensor pair_values(Measure measure, const at::Tensor& u_nD, const at::Tensor& row_p,
                       const at::Tensor& v_mD, const at::Tensor& ref_p) {
  at::Tensor value_p = at::empty({row_p.size(0)}, u_nD.options().dtype(at::kDouble));
  if (!u_nD.device().is_cpu()) {
    for_each_gathered(u_nD, row_p, v_mD, ref_p,
                      [&](int64_t begin, int64_t size, const at::Tensor& u_pD, const at::Tensor& v_pD) {
                        value_p.narrow(0, begin, size).copy_(measure_pairs(measure, u_pD, v_pD));
                      });
    return value_p;
  }
  const at::Tensor u = u_nD.contiguous(), v = v_mD.contiguous(), rows = row_p.contiguous(),
                   refs = ref_p.contiguous();
  const int64_t *row = rows.const_data_ptr<int64_t>(), *ref = refs.const_data_ptr<int64_t>(),
                width = u.size(1);
  double* value = value_p.mutable_data_ptr<double>();
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "pair values", [&] {
    const scalar_t *u_data = u.const_data_ptr<scalar_t>(), *v_data = v.const_data_ptr<scalar_t>();
    at::parallel_for(0, row_p.size(0), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        value[p] = pair_value(measure, u_data + row[p] * width, v_data + ref[p] * width, width);
    });
  });
  return value_p;
}

void add_pair_gradient(Measure measure, const at::Tensor& weight_p, const at::Tensor& u_nD,
                       const at::Tensor& row_p, const at::Tensor& v_mD, const at::Tensor& ref_p,
                       at::Tensor& gradient_nD) {
  if (!u_nD.device().is_cpu()) {
    for_each_gathered(u_nD, row_p, v_mD, ref_p,
                      [&](int64_t begin, int64_t size, const at::Tensor& u_pD, const at::Tensor& v_pD) {
                        at::Tensor slope_pD = v_pD;
                        if (measure != Measure::kSimilarity) slope_pD = 2 * (u_pD - v_pD);
                        if (measure == Measure::kL2) {
                          const at::Tensor distance_p1 = measure_pairs(measure, u_pD, v_pD).unsqueeze(1);
                          slope_pD = at::where(distance_p1 > 0, (u_pD - v_pD) / distance_p1, 0);
                        }
                        const at::Tensor weight_p1 = weight_p.narrow(0, begin, size).unsqueeze(1);
                        gradient_nD.index_add_(0, row_p.narrow(0, begin, size),
                                               (weight_p1 * slope_pD).to(gradient_nD.scalar_type()));
                      });
    return;
  }
  const at::Tensor u = u_nD.contiguous(), v = v_mD.contiguous(), rows = row_p.contiguous(),
                   refs = ref_p.contiguous();
  const at::Tensor weights = weight_p.to(at::kDouble).contiguous();
  const int64_t *row = rows.const_data_ptr<int64_t>(), *ref = refs.const_data_ptr<int64_t>(),
                width = u.size(1);
  const double* weight = weights.const_data_ptr<double>();
  const std::vector<int64_t> edges = stretches_of_rows(row, row_p.size(0));
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "add pair gradient", [&] {
    const scalar_t *u_data = u.const_data_ptr<scalar_t>(), *v_data = v.const_data_ptr<scalar_t>();
    scalar_t* gradient = gradient_nD.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, static_cast<int64_t>(edges.size()) - 1, 1, [&](int64_t first, int64_t last) {
      for (int64_t p = edges[static_cast<size_t>(first)]; p < edges[static_cast<size_t>(last)]; ++p)
        add_one(measure, weight[p], u_data + row[p] * width, v_data + ref[p] * width, width,
                gradient + row[p] * width);
    });
  });
}

}  // namespace lodestone
