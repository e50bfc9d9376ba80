#pragma once

#include <cstdint>
#include <vector>

#include "distributed/group.h"
#include "trainer/eval/comparison.h"
#include "trainer/eval/metrics.h"
#include "trainer/eval/neighbours.h"
#include "trainer/eval/retrieval_metrics.h"
#include "trainer/eval/rows.h"

namespace lodestone::eval {

/// The retrieval metrics of one query with R relevant rows. Ties count against the model (ranks_before). A
/// query with R = 0 is "lone": it is counted, and left out of every mean.
struct QueryResult {
  int64_t query = 0;
  int64_t relevant = 0;        ///< R; 0: lone
  int64_t first_hit = 0;       ///< rank of the first relevant row; 0: none within the list
  int64_t nearest = -1;        ///< gallery row at rank 1; -1: lone, or none
  std::vector<double> values;  ///< in the order of retrieval_metrics(); zeros if lone

  bool lone() const { return relevant <= 0; }
};

/// The results of all queries.
struct Retrieval {
  std::vector<QueryResult> queries;  ///< one per query

  /// The mean metrics by name, then `queries` and `lone_queries`. A mean over no query is NaN ("undefined").
  Metrics metrics() const;
  /// recall_at_k for k = 1 … depth, as far as the lists reached (RetrievalOptions::depth); empty if all
  /// queries are lone.
  std::vector<double> recall_curve(int64_t depth) const;
};

struct RetrievalOptions {
  Similarity similarity = Similarity::kCosine;
  int64_t knn = 5;     ///< neighbours that vote in knn_accuracy, > 0
  int64_t depth = 10;  ///< ranks that are searched for first_hit, if no metric needs more
};

/// Evaluates each row against all others of the same set (leave-one-out: a row is never its own neighbour).
/// Ranks     collective, as those below: each rank searches its share of the queries in the whole gallery;
///           every rank gets all results, with the same bits for any number of ranks
/// Cost      that of for_each_query with depth max(depth, knn, R) per query, with the largest depth of a
///           metric; 32 bytes per query and 8 per metric exchanged
/// Throws    Error if the rows and their groups do not fit
Retrieval retrieve_leave_one_out(const LabelledRows& rows, const RetrievalOptions& options = {},
                                 const distributed::Group& group = distributed::single_group());

/// The same for rows of any kind.
Retrieval retrieve_leave_one_out(const Comparison& rows, std::span<const int64_t> groups_N,
                                 const RetrievalOptions& options = {},
                                 const distributed::Group& group = distributed::single_group());

/// Evaluates queries against a gallery that does not contain them.
Retrieval retrieve(const LabelledRows& queries, const LabelledRows& gallery,
                   const RetrievalOptions& options = {},
                   const distributed::Group& group = distributed::single_group());

/// The general form, leave-one-out or not. Requires that `search.asked` is unset: the ranks' shares take its
/// place.
Retrieval retrieve(NeighbourSearch search, const RetrievalOptions& options = {},
                   const distributed::Group& group = distributed::single_group());

}  // namespace lodestone::eval
