#include "trainer/eval/spearman.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "common/error.h"

namespace lodestone::eval {

std::vector<double> centred_ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return values[i] < values[j]; });
  const double mean = (static_cast<double>(values.size()) - 1) / 2;
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + end - 1) / 2;
    for (; begin < end; ++begin) ranks[order[begin]] = rank - mean;
  }
  return ranks;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size())
    throw Error("spearman: expected two lists of one length, got " + std::to_string(a.size()) + " and " +
                std::to_string(b.size()));
  const std::vector<double> x = centred_ranks(a), y = centred_ranks(b);
  const auto dot = [](const auto& u, const auto& v) {
    return std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
  };
  const double xx = dot(x, x), yy = dot(y, y);
  if (xx == 0 || yy == 0) return std::numeric_limits<double>::quiet_NaN();
  return dot(x, y) / std::sqrt(xx * yy);
}

}  // namespace lodestone::eval
