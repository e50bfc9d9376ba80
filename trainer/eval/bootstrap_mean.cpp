#include <array>

#include "trainer/eval/bootstrap.h"

namespace lodestone::eval {

Interval bootstrap_mean(const char* name, std::span<const double> values_T, const BootstrapOptions& options,
                        const distributed::Group& group) {
  constexpr size_t kLanes = Bootstrap::kLanes;
  const auto statistic = [values_T](const Bootstrap::Counts& counts, std::span<double> values) {
    std::array<double, kLanes> sums{};
    for (size_t t = 0; t < values_T.size(); ++t)
      for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += counts[t * kLanes + lane] * values_T[t];
    // The number of draws equals the number of items.
    for (size_t lane = 0; lane < kLanes; ++lane)
      values[lane] = sums[lane] / static_cast<double>(values_T.size());
  };
  return Bootstrap(static_cast<int64_t>(values_T.size()), options)
      .intervals(std::array{name}, statistic, group)
      .front();
}

}  // namespace lodestone::eval
