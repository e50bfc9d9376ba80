#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/eval/rows.h"

namespace lodestone::eval {

/// Projects rows to the two directions in which they vary most (principal components).
/// Shapes    z_ND floating, N rows at most 512; returns [N, 2] float64 on the CPU; zeros for fewer than two
///           rows
/// Ensures   the largest coordinate fixes the signs, so that a chart does not flip from one call to the next
/// Cost      N² D flops and the eigenvectors of an N × N matrix
at::Tensor project_to_plane(const at::Tensor& z_ND);

/// A row of a chart, with its class.
struct ProjectedRow {
  double x;
  double y;
  int64_t kind;  ///< k + 1 for a row of classes[k], 0 for a row of another class
};

/// A sample of projected rows, small enough for a chart.
struct Projection {
  std::vector<ProjectedRow> rows;  ///< rows of other classes first, so that they are drawn below
  std::vector<int64_t> classes;    ///< labels of the highlighted classes, at most 6
};

/// Projects at most 6 classes of two rows or more with at most 40 rows of each, and other rows up to 400 in
/// all. The seed selects them.
Projection project_sample(const LabelledRows& rows, Similarity similarity, uint64_t seed);

}  // namespace lodestone::eval
