#include "trainer/eval/projection.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "common/rng.h"

namespace lodestone::eval {

namespace {

constexpr size_t kClasses = 6, kOfClass = 40, kRows = 400;

}  // namespace

at::Tensor project_to_plane(const at::Tensor& z_ND) {
  const int64_t n = z_ND.size(0);
  at::Tensor plane_N2 = at::zeros({n, 2}, at::kDouble);
  if (n < 2 || z_ND.size(1) == 0) return plane_N2;
  at::Tensor x_ND = z_ND.detach().to(at::kCPU, at::kDouble).contiguous();
  x_ND = x_ND - x_ND.mean(0, /*keepdim=*/true);
  // The rows' Gram matrix has the spectrum of the covariance, and N is the smaller size.
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

Projection project_sample(const LabelledRows& rows, Similarity similarity, uint64_t seed) {
  check_labelled(rows);
  const std::vector<int64_t>& labels = rows.labels();
  const std::vector<int64_t> order =
      Random(seed, Purpose::kTrials, 8).permutation(static_cast<int64_t>(labels.size()));
  std::map<int64_t, size_t> members;
  for (const int64_t label : labels) ++members[label];
  Projection found;
  std::map<int64_t, int64_t> kind_of;
  for (const int64_t i : order) {
    const int64_t label = labels[static_cast<size_t>(i)];
    if (members[label] < 2 || kind_of.size() == kClasses || kind_of.contains(label)) continue;
    found.classes.push_back(label);
    kind_of[label] = static_cast<int64_t>(found.classes.size());
  }
  std::vector<int64_t> standing, others;
  std::map<int64_t, size_t> taken;
  for (const int64_t i : order) {
    const int64_t label = labels[static_cast<size_t>(i)];
    if (!kind_of.contains(label)) {
      others.push_back(i);
    } else if (taken[label]++ < kOfClass) {
      standing.push_back(i);
    }
  }
  others.resize(std::min(others.size(), kRows - standing.size()));
  others.insert(others.end(), standing.begin(), standing.end());
  const ComparableRows chosen(rows.x_ND.index_select(0, at::tensor(others, at::kLong).to(rows.x_ND.device())),
                              similarity);
  const at::Tensor plane_N2 = project_to_plane(chosen.tensor());
  const double* plane = plane_N2.const_data_ptr<double>();
  for (size_t n = 0; n < others.size(); ++n) {
    const auto kind = kind_of.find(labels[static_cast<size_t>(others[n])]);
    found.rows.push_back({plane[2 * n], plane[2 * n + 1], kind == kind_of.end() ? 0 : kind->second});
  }
  return found;
}

}  // namespace lodestone::eval
