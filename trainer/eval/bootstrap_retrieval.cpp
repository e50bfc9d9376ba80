#include <limits>

#include "trainer/eval/bootstrap.h"

namespace lodestone {

std::vector<Interval> bootstrap_retrieval(const Retrieval& found, const Bootstrap& bootstrap,
                                          const Group& group) {
  constexpr size_t kMeasures = QueryResult::kNames.size();
  constexpr size_t kLanes = Bootstrap::kLanes;
  struct ClassSums {
    std::array<double, kMeasures> values{};
    double queries = 0;
  };
  std::vector<ClassSums> of_class(static_cast<size_t>(bootstrap.classes()));
  for (const QueryResult& result : found.queries) {
    if (result.lone()) continue;
    ClassSums& sums = of_class[static_cast<size_t>(bootstrap.class_of(result.query))];
    for (size_t m = 0; m < kMeasures; ++m) sums.values[m] += result.values[m];
    sums.queries += 1;
  }
  const auto statistic = [&of_class](const Bootstrap::Counts& counts, std::span<double> values) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      ClassSums total;
      for (size_t c = 0; c < of_class.size(); ++c) {
        const double weight = counts[c * kLanes + lane];
        for (size_t m = 0; m < kMeasures; ++m) total.values[m] += weight * of_class[c].values[m];
        total.queries += weight * of_class[c].queries;
      }
      for (size_t m = 0; m < kMeasures; ++m)
        values[m * kLanes + lane] =
            total.queries > 0 ? total.values[m] / total.queries : std::numeric_limits<double>::quiet_NaN();
    }
  };
  return bootstrap.intervals(QueryResult::kNames, statistic, group);
}

}  // namespace lodestone
