#pragma once

#include <algorithm>
#include <vector>

namespace lodestone {

/// Of an even number the upper of the middle two. Requires at least one.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace lodestone
