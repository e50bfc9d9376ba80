#pragma once

#include <cstdint>
#include <span>

#include "trainer/eval/metric_table.h"
#include "trainer/eval/neighbours.h"

namespace lodestone {

/// The neighbours of one query that has R >= 1 relevant rows in the gallery. Ranks count from 1.
struct RankedList {
  std::span<const Neighbour> found;         ///< best first; ends early only where the gallery does
  std::span<const int64_t> gallery_groups;  ///< by Neighbour::index
  int64_t relevant;                         ///< R
  int64_t first_hit;                        ///< rank of the first relevant row; 0: none in the list
  int64_t knn;                              ///< neighbours that vote in knn_accuracy

  /// rel(rank); false beyond the end of the list.
  bool relevant_at(int64_t rank) const {
    return rank <= static_cast<int64_t>(found.size()) && found[static_cast<size_t>(rank - 1)].relevant;
  }
};

/// A metric of one query; an evaluation reports its mean over queries, and its interval.
struct RetrievalMetric {
  Metric shown;
  double (*value)(const RankedList& list);
  int64_t depth = 0;  ///< ranks that `value` reads; the list always has R and knn of them
};

/// All metrics of a query, in display order. With rel(i) = 1 if the i-th neighbour is relevant, and
/// P(k) = Σ_{i≤k} rel(i) / k:
///   recall_at_k      1 if any of the first k is relevant (hit rate), k = 1, 5, 10
///   precision_at_1   P(1)
///   r_precision      P(R)
///   map_at_r         Σ_{i≤R} P(i)·rel(i) / R (Musgrave et al. 2020, "A metric learning reality check")
///   mrr_at_10        1 / rank of the first relevant row, 0 beyond 10
///   ndcg_at_10       Σ_{i≤10} rel(i)/log2(i+1), divided by its value if min(R, 10) relevant rows came first
///   knn_accuracy     1 if the query's group has strictly more votes among the k nearest than any other
std::span<const RetrievalMetric> retrieval_metrics();

}  // namespace lodestone
