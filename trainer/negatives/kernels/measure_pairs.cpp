#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>

#include "common/parallel.h"
#include "trainer/losses/vector_math.h"
#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

// Elements of rows that are gathered at a time on other devices than CPUs.
constexpr int64_t kGathered = 1 << 21;
constexpr int64_t kGrain = 1 << 10;

template <typename Visit>
void for_each_gathered(const at::Tensor& u_nD, const at::Tensor& row_p, const at::Tensor& v_mD,
                       const at::Tensor& reference_p, Visit visit) {
  const int64_t step = std::max<int64_t>(kGathered / std::max<int64_t>(u_nD.size(1), 1), 1);
  for (int64_t begin = 0; begin < row_p.size(0); begin += step) {
    const int64_t size = std::min(step, row_p.size(0) - begin);
    visit(begin, size, u_nD.index_select(0, row_p.narrow(0, begin, size)).to(at::kDouble),
          v_mD.index_select(0, reference_p.narrow(0, begin, size)).to(at::kDouble));
  }
}

template <typename T>
LODESTONE_INLINE double pair_value(losses::Measure measure, const T* u, const T* v, int64_t width) {
  double sum = 0;
  if (measure == losses::Measure::kSimilarity) {
#pragma omp simd reduction(+ : sum)
    for (int64_t d = 0; d < width; ++d) sum += static_cast<double>(u[d]) * static_cast<double>(v[d]);
    return sum;
  }
#pragma omp simd reduction(+ : sum)
  for (int64_t d = 0; d < width; ++d) {
    const double difference = static_cast<double>(u[d]) - static_cast<double>(v[d]);
    sum += difference * difference;
  }
  return measure == losses::Measure::kL2 ? std::sqrt(sum) : sum;
}

template <typename T>
LODESTONE_INLINE void add_one(losses::Measure measure, double weight, const T* u, const T* v, int64_t width,
                              T* gradient) {
  if (measure == losses::Measure::kSimilarity) {
    const T factor = static_cast<T>(weight);
#pragma omp simd
    for (int64_t d = 0; d < width; ++d) gradient[d] += factor * v[d];
    return;
  }
  double factor = 2 * weight;
  if (measure == losses::Measure::kL2) {
    const double distance = pair_value(measure, u, v, width);
    if (distance == 0) return;
    factor = weight / distance;
  }
#pragma omp simd
  for (int64_t d = 0; d < width; ++d)
    gradient[d] += static_cast<T>(factor * (static_cast<double>(u[d]) - static_cast<double>(v[d])));
}

/// Rows of two sets, and pairs of them.
template <typename T>
struct PairRows {
  const T *u, *v;
  const int64_t *row, *reference;
  int64_t width;
};

#define LODESTONE_PAIR_LOOPS(T)                                                                            \
  LODESTONE_CLONES void values_of(losses::Measure measure, const PairRows<T>& pairs, int64_t begin,        \
                                  int64_t end, double* value) {                                            \
    for (int64_t p = begin; p < end; ++p)                                                                  \
      value[p] = pair_value(measure, pairs.u + pairs.row[p] * pairs.width,                                 \
                            pairs.v + pairs.reference[p] * pairs.width, pairs.width);                      \
  }                                                                                                        \
  LODESTONE_CLONES void add_gradients_of(losses::Measure measure, const PairRows<T>& pairs, int64_t begin, \
                                         int64_t end, const double* weight, T* gradient) {                 \
    for (int64_t p = begin; p < end; ++p)                                                                  \
      add_one(measure, weight[p], pairs.u + pairs.row[p] * pairs.width,                                    \
              pairs.v + pairs.reference[p] * pairs.width, pairs.width,                                     \
              gradient + pairs.row[p] * pairs.width);                                                      \
  }

LODESTONE_PAIR_LOOPS(float)
LODESTONE_PAIR_LOOPS(double)

#undef LODESTONE_PAIR_LOOPS

// Where each thread's range of pairs begins, so that no row is shared by two threads; {0, all} if rows do not
// ascend.
std::vector<int64_t> ranges_of_rows(const int64_t* row, int64_t pairs) {
  if (!std::is_sorted(row, row + pairs)) return {0, pairs};
  std::vector<int64_t> edges = {0};
  while (edges.back() < pairs) {
    int64_t end = std::min(edges.back() + kGrain, pairs);
    while (end < pairs && row[end] == row[end - 1]) ++end;
    edges.push_back(end);
  }
  return edges;
}

template <typename T>
PairRows<T> pair_rows(const at::Tensor& u_nD, const at::Tensor& row_p, const at::Tensor& v_mD,
                      const at::Tensor& reference_p) {
  return {u_nD.const_data_ptr<T>(), v_mD.const_data_ptr<T>(), row_p.const_data_ptr<int64_t>(),
          reference_p.const_data_ptr<int64_t>(), u_nD.size(1)};
}

}  // namespace

at::Tensor pair_values(losses::Measure measure, const at::Tensor& u_nD, const at::Tensor& row_p,
                       const at::Tensor& v_mD, const at::Tensor& reference_p) {
  at::Tensor value_p = at::empty({row_p.size(0)}, u_nD.options().dtype(at::kDouble));
  if (!u_nD.device().is_cpu()) {
    for_each_gathered(u_nD, row_p, v_mD, reference_p,
                      [&](int64_t begin, int64_t size, const at::Tensor& u_pD, const at::Tensor& v_pD) {
                        value_p.narrow(0, begin, size).copy_(measure_pairs(measure, u_pD, v_pD));
                      });
    return value_p;
  }
  const at::Tensor u = u_nD.contiguous(), v = v_mD.contiguous(), rows = row_p.contiguous(),
                   references = reference_p.contiguous();
  double* value = value_p.mutable_data_ptr<double>();
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "pair values", [&] {
    const PairRows<scalar_t> pairs = pair_rows<scalar_t>(u, rows, v, references);
    parallel_ranges(row_p.size(0), kGrain,
                    [&](int64_t begin, int64_t end) { values_of(measure, pairs, begin, end, value); });
  });
  return value_p;
}

void add_pair_gradient(losses::Measure measure, const at::Tensor& weight_p, const at::Tensor& u_nD,
                       const at::Tensor& row_p, const at::Tensor& v_mD, const at::Tensor& reference_p,
                       at::Tensor& gradient_nD) {
  if (!u_nD.device().is_cpu()) {
    for_each_gathered(u_nD, row_p, v_mD, reference_p,
                      [&](int64_t begin, int64_t size, const at::Tensor& u_pD, const at::Tensor& v_pD) {
                        at::Tensor slope_pD = v_pD;
                        if (measure != losses::Measure::kSimilarity) slope_pD = 2 * (u_pD - v_pD);
                        if (measure == losses::Measure::kL2) {
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
                   references = reference_p.contiguous();
  const at::Tensor weights = weight_p.to(at::kDouble).contiguous();
  const double* weight = weights.const_data_ptr<double>();
  const std::vector<int64_t> edges = ranges_of_rows(rows.const_data_ptr<int64_t>(), row_p.size(0));
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "add pair gradient", [&] {
    const PairRows<scalar_t> pairs = pair_rows<scalar_t>(u, rows, v, references);
    scalar_t* gradient = gradient_nD.mutable_data_ptr<scalar_t>();
    parallel_ranges(static_cast<int64_t>(edges.size()) - 1, 1, [&](int64_t first, int64_t last) {
      add_gradients_of(measure, pairs, edges[static_cast<size_t>(first)], edges[static_cast<size_t>(last)],
                       weight, gradient);
    });
  });
}

}  // namespace lodestone::negatives
