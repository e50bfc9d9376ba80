#pragma once

#include <vector>

#include "trainer/eval/retrieval.h"

namespace lodestone::eval {

/// Which rows are queries and which are gallery; a row may be both, or neither.
struct RetrievalParts {
  std::vector<bool> is_query_N;
  std::vector<bool> is_gallery_N;

  /// Is every row both? Then it is leave-one-out.
  bool all() const;
};

/// Evaluates each query against the gallery. A query that is in the gallery is not its own neighbour. Returns
/// the results of the queries, by row.
/// Ranks     collective; every rank gets all results
/// Cost      that of two searches, for the queries inside the gallery and for those outside
/// Throws    Error if rows, groups and parts do not fit, or the gallery is empty
Retrieval retrieve(const LabelledRows& rows, const RetrievalParts& parts,
                   const RetrievalOptions& options = {},
                   const distributed::Group& group = distributed::single_group());

}  // namespace lodestone::eval
