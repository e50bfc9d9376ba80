#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/eval/rows.h"

namespace lodestone {

/// The rows' coordinates along the two directions in which they vary most (principal components).
/// Shapes    z_ND floating, N rows at most 512; returns [N, 2] float64 on the CPU; of fewer than two rows, zeros
/// Ensures   signs are fixed by the largest coordinate, so that a picture doesn't flip from one call to the next
/// Cost      N² D flops and the eigenvectors of an N × N matrix
at::Tensor project_to_plane(const at::Tensor& z_ND);

struct ProjectedRow {
  double x;
  double y;
  int64_t kind;  ///< k + 1 for a row of classes[k], 0 for one of another class
};

/// A sample of rows in the plane, small enough to be drawn.
struct Projection {
  std::vector<ProjectedRow> rows;  ///< those of other classes first, so that they are drawn below
  std::vector<int64_t> classes;    ///< labels of the classes that stand out, at most 6
};

/// Projects at most 6 classes of two rows or more with at most 40 rows of each, and other rows up to 400 in all; the seed draws them.
Projection project_sample(const LabelledRows& rows, Likeness likeness, uint64_t seed);

}  // namespace lodestone
