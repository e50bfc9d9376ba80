#include "trainer/survey/spread.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "common/error.h"

namespace lodestone::survey {

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&values](double fraction) {
    return values[static_cast<size_t>(std::lround(fraction * static_cast<double>(values.size() - 1)))];
  };
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {.count = static_cast<int64_t>(values.size()),
          .smallest = values.front(),
          .low = at(0.05),
          .median = at(0.5),
          .high = at(0.95),
          .largest = values.back(),
          .mean = sum / static_cast<double>(values.size())};
}

// Multiples of the golden ratio, modulo 1: of all sequences the one whose beginnings are spread most evenly.
std::vector<int64_t> spread_samples(int64_t size, int64_t count) {
  constexpr double kGolden = 0.61803398874989485;
  count = std::min(size, count);
  std::vector<int64_t> indices;
  std::unordered_set<int64_t> taken;
  double position = 0.5;
  while (static_cast<int64_t>(indices.size()) < count) {
    auto index = static_cast<int64_t>(position * static_cast<double>(size));
    while (!taken.insert(index).second) index = (index + 1) % size;
    indices.push_back(index);
    position = std::fmod(position + kGolden, 1.0);
  }
  return indices;
}

Unread visit_spread(int64_t size, const SurveyLimits& limits, const std::function<bool(int64_t)>& visit) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  Unread unread;
  for (const int64_t i : spread_samples(size, limits.samples)) {
    try {
      if (!visit(i)) break;
    } catch (const DataError& error) {
      if (unread.count++ == 0) unread.first = error.what();
    }
    if (std::chrono::duration<double>(Clock::now() - begin).count() > limits.seconds) break;
  }
  return unread;
}

}  // namespace lodestone::survey
