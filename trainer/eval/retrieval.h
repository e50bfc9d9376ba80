#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "distributed/group.h"
#include "trainer/eval/comparison.h"
#include "trainer/eval/measures.h"
#include "trainer/eval/neighbours.h"
#include "trainer/eval/rows.h"

namespace lodestone {

/// The retrieval metrics of one query with R relevant rows. Ties count against the model (ranks_before). A
/// query with R = 0 is "lone": it is counted, and left out of every mean. With rel(i) = 1 if the i-th
/// neighbour is relevant, and P(k) = Σ_{i≤k} rel(i) / k:
///   recall_at_k      1 if any of the first k is relevant (hit rate), k = 1, 5, 10
///   precision_at_1   P(1)
///   r_precision      P(R)
///   map_at_r         Σ_{i≤R} P(i)·rel(i) / R (Musgrave et al. 2020, "A metric learning reality check")
///   mrr_at_10        1 / rank of the first relevant row, 0 beyond 10
///   ndcg_at_10       Σ_{i≤10} rel(i)/log2(i+1), divided by its value if min(R, 10) relevant rows came first
///   knn_accuracy     1 if the query's group has strictly more votes among the k nearest than any other
struct QueryResult {
  static constexpr std::array<const char*, 9> kNames = {"recall_at_1",    "recall_at_5", "recall_at_10",
                                                        "precision_at_1", "r_precision", "map_at_r",
                                                        "mrr_at_10",      "ndcg_at_10",  "knn_accuracy"};
  int64_t query = 0;
  int64_t relevant = 0;                        ///< R; 0: lone
  int64_t first_hit = 0;                       ///< rank of the first relevant row; 0: none within the list
  int64_t nearest = -1;                        ///< gallery row at rank 1; -1: lone, or none
  std::array<double, kNames.size()> values{};  ///< in the order of kNames; zeros if lone

  bool lone() const { return relevant <= 0; }
};

/// The results of all queries.
struct Retrieval {
  std::vector<QueryResult> queries;  ///< one per query

  /// The mean metrics by name, then `queries` and `lone_queries`. A mean over no query is NaN ("undefined").
  Measures measures() const;
  /// recall_at_k for k = 1 … depth, as far as the lists reached (RetrievalOptions::depth); empty if all
  /// queries are lone.
  std::vector<double> recall_curve(int64_t depth) const;
};

struct RetrievalOptions {
  Likeness likeness = Likeness::kCosine;
  int64_t knn = 5;     ///< neighbours that vote in knn_accuracy, > 0
  int64_t depth = 10;  ///< ranks that are searched for first_hit, if no metric needs more
};

/// Evaluates each row against all others of the same set (leave-one-out: a row is never its own neighbour).
/// Ranks     collective, as those below: each rank searches its share of the queries in the whole gallery;
///           every rank gets all results, with the same bits for any number of ranks
/// Cost      that of for_each_query with depth max(10, depth, knn, R) per query; 96 bytes per query exchanged
/// Throws    Error if the rows and their groups do not fit
Retrieval retrieve_leave_one_out(const LabelledRows& rows, const RetrievalOptions& options = {},
                                 const Group& group = single_group());

/// The same for rows of any kind.
Retrieval retrieve_leave_one_out(const Comparison& rows, std::span<const int64_t> groups_N,
                                 const RetrievalOptions& options = {}, const Group& group = single_group());

/// Evaluates queries against a gallery that does not contain them.
Retrieval retrieve(const LabelledRows& queries, const LabelledRows& gallery,
                   const RetrievalOptions& options = {}, const Group& group = single_group());

/// The general form, leave-one-out or not. Requires that `search.asked` is unset: the ranks' shares take its
/// place.
Retrieval retrieve(NeighbourSearch search, const RetrievalOptions& options = {},
                   const Group& group = single_group());

}  // namespace lodestone
