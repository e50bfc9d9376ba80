#include "trainer/eval/confusion.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace lodestone::eval {

std::vector<Confusion> most_confused(const Retrieval& found, std::span<const int64_t> query_labels,
                                     std::span<const int64_t> gallery_labels, int64_t most) {
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  std::map<int64_t, int64_t> queries;
  for (const QueryResult& result : found.queries) {
    if (result.lone() || result.nearest < 0) continue;
    const int64_t from = query_labels[static_cast<size_t>(result.query)];
    ++queries[from];
    if (result.first_hit != 1) ++counts[{from, gallery_labels[static_cast<size_t>(result.nearest)]}];
  }
  std::vector<Confusion> confused;
  for (const auto& [classes, count] : counts)
    confused.push_back({classes.first, classes.second, count, queries[classes.first]});
  const auto shown = std::min<int64_t>(most, static_cast<int64_t>(confused.size()));
  std::partial_sort(confused.begin(), confused.begin() + shown, confused.end(),
                    [](const Confusion& a, const Confusion& b) {
                      return std::tuple(-a.count, a.from, a.to) < std::tuple(-b.count, b.from, b.to);
                    });
  confused.resize(static_cast<size_t>(shown));
  return confused;
}

}  // namespace lodestone::eval
