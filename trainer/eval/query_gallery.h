#pragma once

#include <vector>

#include "trainer/eval/retrieval.h"

namespace lodestone {

/// Which rows ask and which may be found; a row may do both, or neither.
struct RetrievalParts {
  std::vector<bool> is_query_N;
  std::vector<bool> is_gallery_N;

  /// Whether every row does both: plain leave-one-out.
  bool all() const;
};

/// Judges each query against the gallery; a query that is in the gallery is not its own neighbour.
/// Returns   results of the rows that ask, by row
/// Ranks     collective; every rank gets all results
/// Cost      that of two searches, of the queries inside the gallery and of those outside
/// Throws    Error if rows, groups and parts do not fit, or there is no gallery
Retrieval retrieve(const LabelledRows& rows, const RetrievalParts& parts,
                   const RetrievalOptions& options = {}, const Group& group = single_group());

}  // namespace lodestone
