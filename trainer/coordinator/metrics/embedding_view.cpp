#include "trainer/coordinator/metrics/embedding_view.h"

#include <algorithm>

#include <ATen/ops/cdist.h>

namespace lodestone::coordinator {

std::vector<HardTriplet> hardest_triplets(const at::Tensor& z_ND, const std::vector<int64_t>& labels,
                                          int64_t count) {
  const auto n = static_cast<int64_t>(labels.size());
  std::vector<HardTriplet> found;
  if (n == 0) return found;
  const at::Tensor x_ND = z_ND.detach().to(at::kCPU, at::kDouble);
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
    if (positive >= 0 && negative >= 0)
      found.push_back({a, positive, negative, row[positive] - row[negative]});
  }
  const auto shown = std::min<int64_t>(count, static_cast<int64_t>(found.size()));
  std::partial_sort(found.begin(), found.begin() + shown, found.end(),
                    [](const auto& a, const auto& b) { return a.violation > b.violation; });
  found.resize(static_cast<size_t>(shown));
  return found;
}

}  // namespace lodestone::coordinator
