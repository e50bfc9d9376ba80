#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone {

/// A triplet of rows: an anchor, its farthest positive and its nearest negative.
struct HardTriplet {
  int64_t anchor = 0, positive = 0, negative = 0;
  double violation =
      0;  ///< distance to the positive less that to the negative; above 0: the negative is nearer
};

/// The `count` anchors with the greatest violation among the rows, hardest first. Rows without a positive or without a
/// negative are no anchors.
/// Shapes    z_ND floating, N rows at most 512; labels: N.     Cost  N² D flops
std::vector<HardTriplet> hardest_triplets(const at::Tensor& z_ND, const std::vector<int64_t>& labels,
                                          int64_t count);

}  // namespace lodestone
