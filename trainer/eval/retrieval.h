#pragma once

#include <array>
#include <cstdint>

#include "trainer/eval/comparison.h"
#include "trainer/eval/measures.h"
#include "trainer/eval/neighbours.h"
#include "trainer/eval/rows.h"

namespace lodestone {

/// Sums over queries of the retrieval measures: parts of one evaluation (shares of the queries, on other
/// ranks or at other times) are added, then divided once.
/// For a query with R relevant rows, rel(i) = 1 if the i-th neighbour is relevant, P(k) = Σ_{i≤k} rel(i) / k:
///   recall_at_k      1 if any of the first k is relevant (hit rate), k = 1, 5, 10;  precision_at_1 = P(1)
///   r_precision      P(R)
///   map_at_r         Σ_{i≤R} P(i)·rel(i) / R (Musgrave et al. 2020, "A metric learning reality check")
///   mrr_at_10        1 / rank of the first relevant row, 0 beyond 10
///   ndcg_at_10       Σ_{i≤10} rel(i)/log2(i+1), divided by what min(R, 10) relevant rows in front would give
///   knn_accuracy     1 if the query's group has strictly more votes among the k nearest than any other group
/// Ties count against the model (ranks_before). A query with R = 0 is "lone": counted, and left out of every
/// mean.
struct RetrievalSums {
  static constexpr std::array<const char*, 9> kNames = {"recall_at_1",    "recall_at_5", "recall_at_10",
                                                        "precision_at_1", "r_precision", "map_at_r",
                                                        "mrr_at_10",      "ndcg_at_10",  "knn_accuracy"};
  std::array<double, kNames.size()> sums{};  ///< over queries with a relevant row, in the order of kNames
  int64_t queries = 0;                       ///< how many those are
  int64_t lone_queries = 0;

  RetrievalSums& operator+=(const RetrievalSums& other);
  /// The means by name, then `queries` and `lone_queries`. A mean over no query is NaN ("undefined").
  Measures measures() const;
};

struct RetrievalOptions {
  Likeness likeness = Likeness::kCosine;
  int64_t knn = 5;  ///< voters of knn_accuracy, > 0
};

/// Judges each row against all others of the same set (leave-one-out: a row is never its own neighbour).
/// Cost      that of for_each_query with depth max(10, knn, R) per query
/// Throws    Error if the rows and their groups do not fit
RetrievalSums retrieve_leave_one_out(const LabelledRows& rows, const RetrievalOptions& options = {});

/// The same of rows that are compared in any way.
RetrievalSums retrieve_leave_one_out(const Comparison& rows, std::span<const int64_t> groups_N, int64_t knn = 5);

/// Judges queries against a gallery that does not hold them.
RetrievalSums retrieve(const LabelledRows& queries, const LabelledRows& gallery,
                       const RetrievalOptions& options = {});

/// The general form: any share of the queries, leave-one-out or not. `knn` as in RetrievalOptions.
RetrievalSums retrieve(const NeighbourSearch& search, int64_t knn = 5);

}  // namespace lodestone
