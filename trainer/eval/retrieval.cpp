#include "trainer/eval/retrieval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <unordered_map>

#include "common/error.h"

namespace lodestone {

namespace {

constexpr int64_t kCut = 10;  // the k of mrr_at_10 and ndcg_at_10, and the largest of recall_at_k

double dcg_of_ideal(int64_t relevant) {
  double sum = 0;
  for (int64_t i = 1; i <= std::min(relevant, kCut); ++i) sum += 1 / std::log2(static_cast<double>(i) + 1);
  return sum;
}

// Evaluates one query; `found` is best first and holds at least max(10, R) rows if the gallery does.
void judge_ranks(std::span<const Neighbour> found, QueryResult& result) {
  int64_t hits = 0;
  double dcg = 0;
  double precision_at_r = 0;
  double map_at_r = 0;
  for (int64_t rank = 1; rank <= static_cast<int64_t>(found.size()); ++rank) {
    if (!found[static_cast<size_t>(rank - 1)].relevant) continue;
    ++hits;
    if (result.first_hit == 0) result.first_hit = rank;
    if (rank <= kCut) dcg += 1 / std::log2(static_cast<double>(rank) + 1);
    if (rank > result.relevant) continue;
    precision_at_r += 1;
    map_at_r += static_cast<double>(hits) / static_cast<double>(rank);
  }
  const int64_t first_hit = result.first_hit;
  const auto hit_within = [first_hit](int64_t k) { return first_hit != 0 && first_hit <= k ? 1.0 : 0.0; };
  const double count = static_cast<double>(result.relevant);
  result.values = {hit_within(1),
                   hit_within(5),
                   hit_within(10),
                   hit_within(1),
                   precision_at_r / count,
                   map_at_r / count,
                   hit_within(kCut) > 0 ? 1 / static_cast<double>(first_hit) : 0.0,
                   dcg / dcg_of_ideal(result.relevant),
                   0};
}

// Strictly more votes than any other group: an undecided vote counts against the model.
bool wins_vote(std::span<const Neighbour> found, std::span<const int64_t> gallery_groups, int64_t knn) {
  std::unordered_map<int64_t, int64_t> votes;
  int64_t own = 0;
  int64_t most_of_others = 0;
  for (const Neighbour& neighbour : found.first(std::min(found.size(), static_cast<size_t>(knn)))) {
    const int64_t count = ++votes[gallery_groups[static_cast<size_t>(neighbour.index)]];
    int64_t& best = neighbour.relevant ? own : most_of_others;
    best = std::max(best, count);
  }
  return own > most_of_others;
}

}  // namespace

Measures Retrieval::measures() const {
  std::array<double, QueryResult::kNames.size()> sums{};
  int64_t lone = 0;
  for (const QueryResult& result : queries) {
    if (result.lone()) ++lone;
    for (size_t m = 0; m < sums.size(); ++m) sums[m] += result.values[m];
  }
  const int64_t judged = static_cast<int64_t>(queries.size()) - lone;
  Measures found;
  for (size_t m = 0; m < sums.size(); ++m) {
    const double undefined = std::numeric_limits<double>::quiet_NaN();
    found.set(QueryResult::kNames[m], judged > 0 ? sums[m] / static_cast<double>(judged) : undefined);
  }
  found.set("queries", static_cast<double>(judged));
  found.set("lone_queries", static_cast<double>(lone));
  return found;
}

std::vector<double> Retrieval::recall_curve(int64_t depth) const {
  std::vector<double> curve(static_cast<size_t>(depth));
  int64_t judged = 0;
  for (const QueryResult& result : queries) {
    if (result.lone()) continue;
    ++judged;
    if (result.first_hit >= 1 && result.first_hit <= depth)
      curve[static_cast<size_t>(result.first_hit - 1)] += 1;
  }
  if (judged == 0) return {};
  double found = 0;
  for (double& value : curve) {
    found += value;
    value = found / static_cast<double>(judged);
  }
  return curve;
}

namespace {

Retrieval judge_queries(std::span<const int64_t> query_groups, std::span<const int64_t> gallery_groups,
                        bool leave_one_out, const FindNeighbours& find, const RetrievalOptions& options,
                        const Group& group) {
  if (options.knn < 1)
    throw Error("retrieval: expected knn of at least 1, got " + std::to_string(options.knn));
  std::unordered_map<int64_t, int64_t> members;
  for (int64_t member : gallery_groups) ++members[member];
  const auto relevant = [&](int64_t query) {
    const auto found = members.find(query_groups[static_cast<size_t>(query)]);
    return (found == members.end() ? 0 : found->second) - (leave_one_out ? 1 : 0);
  };
  const auto depth = [&](int64_t query) {
    return relevant(query) > 0 ? std::max({kCut, options.depth, options.knn, relevant(query)}) : int64_t{0};
  };
  Retrieval own;
  const auto visit = [&](int64_t query, std::span<const Neighbour> found) {
    QueryResult& result = own.queries.emplace_back();
    result.query = query;
    result.relevant = std::max<int64_t>(relevant(query), 0);
    if (result.lone()) return;
    judge_ranks(found, result);
    if (!found.empty()) result.nearest = found.front().index;
    result.values.back() = wins_vote(found, gallery_groups, options.knn) ? 1.0 : 0.0;
  };
  find(own_stretch(static_cast<int64_t>(query_groups.size()), group), depth, visit);
  return {gather_items(group, std::move(own.queries))};
}

}  // namespace

Retrieval retrieve(NeighbourSearch search, const RetrievalOptions& options, const Group& group) {
  const auto find = [&search](Stretch queries, const auto& depth, const auto& visit) {
    search.asked = queries;
    for_each_query(search, depth, visit);
  };
  return judge_queries(search.query_groups, search.gallery_groups, search.first_self.has_value(), find,
                       options, group);
}

Retrieval retrieve_leave_one_out(const Comparison& rows, std::span<const int64_t> groups_N,
                                 const RetrievalOptions& options, const Group& group) {
  return judge_queries(groups_N, groups_N, true, rows.neighbours, options, group);
}

Retrieval retrieve_leave_one_out(const LabelledRows& rows, const RetrievalOptions& options,
                                 const Group& group) {
  check_labelled(rows);
  const ComparableRows ready(rows.x_ND, options.likeness);
  return retrieve_leave_one_out(compare_rows(ready, rows.groups_N), rows.groups_N, options, group);
}

Retrieval retrieve(const LabelledRows& queries, const LabelledRows& gallery, const RetrievalOptions& options,
                   const Group& group) {
  check_labelled(queries);
  check_labelled(gallery);
  const ComparableRows ready_queries(queries.x_ND, options.likeness);
  const ComparableRows ready_gallery(gallery.x_ND, options.likeness);
  return retrieve({ready_queries, queries.groups_N, ready_gallery, gallery.groups_N}, options, group);
}

}  // namespace lodestone
