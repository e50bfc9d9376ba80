#pragma once

#include <algorithm>
#include <vector>

namespace lodestone {

/// The median; of an even number of values, the upper of the middle two. Requires at least one value.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace lodestone
