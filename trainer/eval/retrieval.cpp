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

// Adds one query's measures; `found` is best first and holds at least max(10, R) rows where the gallery does.
void add_ranks(std::span<const Neighbour> found, int64_t relevant, std::array<double, 9>& sums) {
  int64_t hits = 0;
  int64_t first_hit = 0;
  double dcg = 0;
  double precision_at_r = 0;
  double map_at_r = 0;
  const int64_t seen = static_cast<int64_t>(found.size());
  for (int64_t rank = 1; rank <= std::min(seen, std::max(kCut, relevant)); ++rank) {
    if (!found[static_cast<size_t>(rank - 1)].relevant) continue;
    ++hits;
    if (first_hit == 0) first_hit = rank;
    if (rank <= kCut) dcg += 1 / std::log2(static_cast<double>(rank) + 1);
    if (rank > relevant) continue;
    precision_at_r += 1;
    map_at_r += static_cast<double>(hits) / static_cast<double>(rank);
  }
  const auto hit_within = [first_hit](int64_t k) { return first_hit != 0 && first_hit <= k ? 1.0 : 0.0; };
  const double count = static_cast<double>(relevant);
  sums[0] += hit_within(1);
  sums[1] += hit_within(5);
  sums[2] += hit_within(10);
  sums[3] += hit_within(1);
  sums[4] += precision_at_r / count;
  sums[5] += map_at_r / count;
  sums[6] += hit_within(kCut) > 0 ? 1 / static_cast<double>(first_hit) : 0.0;
  sums[7] += dcg / dcg_of_ideal(relevant);
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

RetrievalSums& RetrievalSums::operator+=(const RetrievalSums& other) {
  for (size_t m = 0; m < sums.size(); ++m) sums[m] += other.sums[m];
  queries += other.queries;
  lone_queries += other.lone_queries;
  return *this;
}

Measures RetrievalSums::measures() const {
  Measures found;
  for (size_t m = 0; m < sums.size(); ++m) {
    const double undefined = std::numeric_limits<double>::quiet_NaN();
    found.set(kNames[m], queries > 0 ? sums[m] / static_cast<double>(queries) : undefined);
  }
  found.set("queries", static_cast<double>(queries));
  found.set("lone_queries", static_cast<double>(lone_queries));
  return found;
}

namespace {

RetrievalSums sum_ranks(std::span<const int64_t> query_groups, std::span<const int64_t> gallery_groups,
                        bool leave_one_out, const FindNeighbours& find, int64_t knn) {
  if (knn < 1) throw Error("retrieval: expected knn of at least 1, got " + std::to_string(knn));
  std::unordered_map<int64_t, int64_t> members;
  for (int64_t group : gallery_groups) ++members[group];
  const auto relevant = [&](int64_t query) {
    const auto found = members.find(query_groups[static_cast<size_t>(query)]);
    return (found == members.end() ? 0 : found->second) - (leave_one_out ? 1 : 0);
  };
  RetrievalSums total;
  find(
      [&](int64_t query) {
        return relevant(query) > 0 ? std::max({kCut, knn, relevant(query)}) : int64_t{0};
      },
      [&](int64_t query, std::span<const Neighbour> found) {
        if (relevant(query) <= 0) {
          ++total.lone_queries;
          return;
        }
        ++total.queries;
        add_ranks(found, relevant(query), total.sums);
        total.sums[8] += wins_vote(found, gallery_groups, knn) ? 1.0 : 0.0;
      });
  return total;
}

}  // namespace

RetrievalSums retrieve(const NeighbourSearch& search, int64_t knn) {
  return sum_ranks(search.query_groups, search.gallery_groups, search.first_self.has_value(),
                   [&](const auto& depth, const auto& visit) { for_each_query(search, depth, visit); }, knn);
}

RetrievalSums retrieve_leave_one_out(const Comparison& rows, std::span<const int64_t> groups_N, int64_t knn) {
  return sum_ranks(groups_N, groups_N, true, rows.neighbours, knn);
}

RetrievalSums retrieve_leave_one_out(const LabelledRows& rows, const RetrievalOptions& options) {
  check_labelled(rows);
  const ComparableRows ready(rows.x_ND, options.likeness);
  return retrieve_leave_one_out(compare_rows(ready, rows.groups_N), rows.groups_N, options.knn);
}

RetrievalSums retrieve(const LabelledRows& queries, const LabelledRows& gallery,
                       const RetrievalOptions& options) {
  check_labelled(queries);
  check_labelled(gallery);
  const ComparableRows ready_queries(queries.x_ND, options.likeness);
  const ComparableRows ready_gallery(gallery.x_ND, options.likeness);
  return retrieve({ready_queries, queries.groups_N, ready_gallery, gallery.groups_N}, options.knn);
}

}  // namespace lodestone
