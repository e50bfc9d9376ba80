#include <limits>

#include "trainer/eval/bootstrap.h"

namespace lodestone::eval {

std::vector<Interval> bootstrap_retrieval(const Retrieval& found, const Bootstrap& bootstrap,
                                          const distributed::Group& group) {
  const size_t metrics = retrieval_metrics().size();
  constexpr size_t kLanes = Bootstrap::kLanes;
  struct ClassSums {
    std::vector<double> values;
    double queries = 0;
  };
  std::vector<ClassSums> of_class(static_cast<size_t>(bootstrap.classes()),
                                  {std::vector<double>(metrics), 0});
  for (const QueryResult& result : found.queries) {
    if (result.lone()) continue;
    ClassSums& sums = of_class[static_cast<size_t>(bootstrap.class_of(result.query))];
    for (size_t m = 0; m < metrics; ++m) sums.values[m] += result.values[m];
    sums.queries += 1;
  }
  const auto statistic = [&of_class, metrics](const Bootstrap::Counts& counts, std::span<double> values) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      ClassSums total{std::vector<double>(metrics), 0};
      for (size_t c = 0; c < of_class.size(); ++c) {
        const double weight = counts[c * kLanes + lane];
        for (size_t m = 0; m < metrics; ++m) total.values[m] += weight * of_class[c].values[m];
        total.queries += weight * of_class[c].queries;
      }
      for (size_t m = 0; m < metrics; ++m)
        values[m * kLanes + lane] =
            total.queries > 0 ? total.values[m] / total.queries : std::numeric_limits<double>::quiet_NaN();
    }
  };
  std::vector<const char*> names;
  for (const RetrievalMetric& metric : retrieval_metrics()) names.push_back(metric.shown.name);
  return bootstrap.intervals(names, statistic, group);
}

}  // namespace lodestone::eval
