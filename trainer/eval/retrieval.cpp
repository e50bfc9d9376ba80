#include "trainer/eval/retrieval.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <unordered_map>

#include "common/error.h"

namespace lodestone::eval {

Metrics Retrieval::metrics() const {
  const auto metrics = retrieval_metrics();
  std::vector<double> sums(metrics.size());
  int64_t lone = 0, most_relevant = 0;
  for (const QueryResult& result : queries) {
    if (result.lone()) ++lone;
    most_relevant = std::max(most_relevant, result.relevant);
    for (size_t m = 0; m < sums.size(); ++m) sums[m] += result.values[m];
  }
  const int64_t evaluated = static_cast<int64_t>(queries.size()) - lone;
  Metrics found;
  for (size_t m = 0; m < sums.size(); ++m) {
    const bool defined = evaluated > 0 && most_relevant >= metrics[m].least_relevant;
    found.set(metrics[m].shown.name,
              defined ? sums[m] / static_cast<double>(evaluated) : std::numeric_limits<double>::quiet_NaN());
  }
  found.set("queries", static_cast<double>(evaluated));
  found.set("lone_queries", static_cast<double>(lone));
  return found;
}

std::vector<double> Retrieval::recall_curve(int64_t depth) const {
  std::vector<double> curve(static_cast<size_t>(depth));
  int64_t evaluated = 0;
  for (const QueryResult& result : queries) {
    if (result.lone()) continue;
    ++evaluated;
    if (result.first_hit >= 1 && result.first_hit <= depth)
      curve[static_cast<size_t>(result.first_hit - 1)] += 1;
  }
  if (evaluated == 0) return {};
  double found = 0;
  for (double& value : curve) {
    found += value;
    value = found / static_cast<double>(evaluated);
  }
  return curve;
}

namespace {

// The values of a query that is not lone; `found` is best first.
void evaluate_neighbours(std::span<const Neighbour> found, std::span<const int64_t> gallery_groups,
                         int64_t knn, QueryResult& result) {
  const auto first = std::ranges::find(found, true, &Neighbour::relevant);
  if (first != found.end()) result.first_hit = first - found.begin() + 1;
  if (!found.empty()) result.nearest = found.front().index;
  const RankedList list{found, gallery_groups, result.relevant, result.first_hit, knn};
  std::ranges::transform(retrieval_metrics(), result.values.begin(),
                         [&list](const RetrievalMetric& metric) { return metric.value(list); });
}

// Gathers the results of all ranks, in rank order, on every rank. The values of all queries travel as one
// list.
std::vector<QueryResult> gather_results(std::vector<QueryResult> own, const distributed::Group& group) {
  if (group.size() == 1) return own;
  std::vector<std::array<int64_t, 4>> ranks;
  std::vector<double> values;
  for (const QueryResult& result : own) {
    ranks.push_back({result.query, result.relevant, result.first_hit, result.nearest});
    values.insert(values.end(), result.values.begin(), result.values.end());
  }
  values = gather_items(group, std::move(values));
  const auto width = static_cast<std::ptrdiff_t>(retrieval_metrics().size());
  auto value = values.cbegin();
  std::vector<QueryResult> all;
  for (const auto& [query, relevant, first_hit, nearest] : gather_items(group, std::move(ranks))) {
    all.push_back({query, relevant, first_hit, nearest, {value, value + width}});
    value += width;
  }
  return all;
}

Retrieval evaluate_queries(std::span<const int64_t> query_groups, std::span<const int64_t> gallery_groups,
                           bool leave_one_out, const FindNeighbours& find, const RetrievalOptions& options,
                           const distributed::Group& group) {
  if (options.knn < 1)
    throw Error("retrieval: expected knn of at least 1, got " + std::to_string(options.knn));
  std::unordered_map<int64_t, int64_t> members;
  for (int64_t member : gallery_groups) ++members[member];
  const auto relevant = [&](int64_t query) {
    const auto found = members.find(query_groups[static_cast<size_t>(query)]);
    return (found == members.end() ? 0 : found->second) - (leave_one_out ? 1 : 0);
  };
  int64_t least = std::max(options.depth, options.knn);
  for (const RetrievalMetric& metric : retrieval_metrics()) least = std::max(least, metric.depth);
  const auto depth = [&](int64_t query) {
    return relevant(query) > 0 ? std::max(least, relevant(query)) : int64_t{0};
  };
  Retrieval own;
  const auto visit = [&](int64_t query, std::span<const Neighbour> found) {
    QueryResult& result = own.queries.emplace_back();
    result.query = query;
    result.relevant = std::max<int64_t>(relevant(query), 0);
    result.values.resize(retrieval_metrics().size());
    if (!result.lone()) evaluate_neighbours(found, gallery_groups, options.knn, result);
  };
  find(range_of_rank(static_cast<int64_t>(query_groups.size()), group), depth, visit);
  return {gather_results(std::move(own.queries), group)};
}

}  // namespace

Retrieval retrieve(NeighbourSearch search, const RetrievalOptions& options, const distributed::Group& group) {
  const auto find = [&search](ItemRange queries, const auto& depth, const auto& visit) {
    search.asked = queries;
    for_each_query(search, depth, visit);
  };
  return evaluate_queries(search.query_groups, search.gallery_groups, search.first_self.has_value(), find,
                          options, group);
}

Retrieval retrieve_leave_one_out(const Comparison& rows, std::span<const int64_t> groups_N,
                                 const RetrievalOptions& options, const distributed::Group& group) {
  return evaluate_queries(groups_N, groups_N, true, rows.neighbours, options, group);
}

Retrieval retrieve_leave_one_out(const LabelledRows& rows, const RetrievalOptions& options,
                                 const distributed::Group& group) {
  check_labelled(rows);
  const ComparableRows ready(rows.x_ND, options.similarity);
  return retrieve_leave_one_out(compare_rows(ready, rows.groups_N), rows.groups_N, options, group);
}

Retrieval retrieve(const LabelledRows& queries, const LabelledRows& gallery, const RetrievalOptions& options,
                   const distributed::Group& group) {
  check_labelled(queries);
  check_labelled(gallery);
  const ComparableRows ready_queries(queries.x_ND, options.similarity);
  const ComparableRows ready_gallery(gallery.x_ND, options.similarity);
  return retrieve({ready_queries, queries.groups_N, ready_gallery, gallery.groups_N}, options, group);
}

}  // namespace lodestone::eval
