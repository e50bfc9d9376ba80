#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <ATen/ops/empty.h>

#include "common/rng.h"
#include "trainer/eval/rows.h"

namespace lodestone {
using namespace eval;

/// Rows from a list of lists.
inline at::Tensor rows_of(const std::vector<std::vector<float>>& values) {
  const int64_t width = values.empty() ? 1 : static_cast<int64_t>(values.front().size());
  at::Tensor x_ND = at::empty({static_cast<int64_t>(values.size()), width});
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t d = 0; d < values[i].size(); ++d)
      x_ND.mutable_data_ptr<float>()[static_cast<int64_t>(i) * width + static_cast<int64_t>(d)] =
          values[i][d];
  return x_ND;
}

/// Rows drawn from a coarse grid, so that ties and duplicates abound; groups at random, some of one row only.
inline LabelledRows coarse_rows(uint64_t seed, int64_t count, int64_t width, int64_t groups) {
  Random random(seed, Purpose::kNoise);
  LabelledRows rows{at::empty({count, width}), {}};
  for (int64_t k = 0; k < count * width; ++k)
    rows.x_ND.mutable_data_ptr<float>()[k] = static_cast<float>(random.below(3)) - 1.0F;
  for (int64_t i = 0; i < count; ++i)
    rows.groups_N.push_back(static_cast<int64_t>(random.below(static_cast<uint64_t>(groups))));
  return rows;
}

/// Rows scattered about one centre for each group.
inline LabelledRows clustered_rows(uint64_t seed, int64_t count, int64_t width, int64_t groups,
                                   double noise) {
  LabelledRows rows{at::empty({count, width}), {}};
  for (int64_t i = 0; i < count; ++i) {
    Random centre(seed, Purpose::kNoise, 1, static_cast<uint64_t>(i % groups));
    Random own(seed, Purpose::kNoise, 2, static_cast<uint64_t>(i));
    for (int64_t d = 0; d < width; ++d)
      rows.x_ND.mutable_data_ptr<float>()[i * width + d] =
          static_cast<float>(centre.normal() + noise * own.normal());
    rows.groups_N.push_back(i % groups);
  }
  return rows;
}

/// A row of the tensor as numbers.
inline std::vector<double> row_of(const at::Tensor& x_ND, int64_t i) {
  std::vector<double> row;
  for (int64_t d = 0; d < x_ND.size(1); ++d) row.push_back(x_ND[i][d].item<double>());
  return row;
}

/// The similarity by its definition, in float64 from the raw rows; ties survive by rounding to 12 digits.
inline double naive_score(const at::Tensor& x_ND, int64_t i, const at::Tensor& y_ND, int64_t j,
                          Similarity similarity) {
  const std::vector<double> a = row_of(x_ND, i);
  const std::vector<double> b = row_of(y_ND, j);
  double dot = 0;
  double aa = 0;
  double bb = 0;
  double distance = 0;
  for (size_t d = 0; d < a.size(); ++d) {
    dot += a[d] * b[d];
    aa += a[d] * a[d];
    bb += b[d] * b[d];
    distance += (a[d] - b[d]) * (a[d] - b[d]);
  }
  if (similarity == Similarity::kL2) return -distance;
  return aa == 0 || bb == 0 ? 0 : std::round(1e7 * dot / std::sqrt(aa * bb)) / 1e7;
}

}  // namespace lodestone
