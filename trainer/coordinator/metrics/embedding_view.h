#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone::coordinator {

/// A triplet of rows: an anchor, its farthest positive and its nearest negative.
struct HardTriplet {
  int64_t anchor = 0, positive = 0, negative = 0;
  /// Distance to the positive minus distance to the negative; above 0 if the negative is nearer.
  double violation = 0;
};

/// The `count` anchors with the largest violation among the rows, hardest first. Rows without a positive or
/// without a negative are not anchors.
/// Shapes    z_ND floating point, N at most 512; labels: N
/// Cost      N² D operations
std::vector<HardTriplet> hardest_triplets(const at::Tensor& z_ND, const std::vector<int64_t>& labels,
                                          int64_t count);

}  // namespace lodestone::coordinator
