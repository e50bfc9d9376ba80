#include "trainer/coordinator/embedding_view.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cdist.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace lodestone {

namespace {

at::Tensor wide(const at::Tensor& z_ND) {
  return z_ND.detach().to(at::kCPU, at::kDouble).contiguous();
}

}  // namespace

at::Tensor project_to_plane(const at::Tensor& z_ND) {
  const int64_t n = z_ND.size(0);
  at::Tensor plane_N2 = at::zeros({n, 2}, at::kDouble);
  if (n < 2 || z_ND.size(1) == 0) return plane_N2;
  at::Tensor x_ND = wide(z_ND);
  x_ND = x_ND - x_ND.mean(0, /*keepdim=*/true);
  // The rows' own products have the same spectrum as the covariance, and N is the smaller number.
  const auto [values_N, vectors_NN] = at::linalg_eigh(at::mm(x_ND, x_ND.t()));
  for (int64_t axis = 0; axis < std::min<int64_t>(2, n); ++axis) {
    const at::Tensor column_N = vectors_NN.select(1, n - 1 - axis).contiguous();
    const double length = std::sqrt(std::max(values_N[n - 1 - axis].item<double>(), 0.0));
    const double* first = column_N.const_data_ptr<double>();
    const double* largest =
        std::max_element(first, first + n, [](double a, double b) { return std::abs(a) < std::abs(b); });
    plane_N2.select(1, axis).copy_(column_N * (*largest < 0 ? -length : length));
  }
  return plane_N2;
}

std::vector<HardTriplet> hardest_triplets(const at::Tensor& z_ND, const std::vector<int64_t>& labels, int64_t count) {
  const auto n = static_cast<int64_t>(labels.size());
  std::vector<HardTriplet> found;
  if (n == 0) return found;
  const at::Tensor x_ND = wide(z_ND);
  const at::Tensor distance_NN = at::cdist(x_ND, x_ND, 2).contiguous();
  const double* distances = distance_NN.const_data_ptr<double>();
  for (int64_t a = 0; a < n; ++a) {
    int64_t positive = -1, negative = -1;
    const double* row = distances + a * n;
    for (int64_t b = 0; b < n; ++b) {
      if (b == a) continue;
      const bool same = labels[static_cast<size_t>(a)] == labels[static_cast<size_t>(b)];
      if (same && (positive < 0 || row[b] > row[positive])) positive = b;
      if (!same && (negative < 0 || row[b] < row[negative])) negative = b;
    }
    if (positive >= 0 && negative >= 0) found.push_back({a, positive, negative, row[positive] - row[negative]});
  }
  const auto shown = std::min<int64_t>(count, static_cast<int64_t>(found.size()));
  std::partial_sort(found.begin(), found.begin() + shown, found.end(),
                    [](const auto& a, const auto& b) { return a.violation > b.violation; });
  found.resize(static_cast<size_t>(shown));
  return found;
}

}  // namespace lodestone
