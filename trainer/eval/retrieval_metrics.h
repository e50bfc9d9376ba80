#pragma once

#include <cstdint>
#include <span>

#include "trainer/eval/metric_table.h"
#include "trainer/eval/neighbours.h"

namespace lodestone::eval {

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
  int64_t depth = 0;           ///< ranks that `value` reads; the list always has R and knn of them
  int64_t least_relevant = 1;  ///< undefined if every query has fewer relevant rows
};

/// All metrics of a query, in display order. docs/measures.md defines each.
std::span<const RetrievalMetric> retrieval_metrics();

}  // namespace lodestone::eval
