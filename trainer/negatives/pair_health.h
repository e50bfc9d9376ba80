#pragma once

#include "trainer/negatives/global_rows.h"

namespace lodestone {

/// How the embeddings of a batch lie, from a sample of anchors; distances are Euclidean.
struct PairHealth {
  double positive_distance = 0;          ///< mean over pairs
  double negative_distance = 0;          ///< mean over pairs
  double hardest_positive_distance = 0;  ///< mean over anchors of the farthest positive
  double hardest_negative_distance = 0;  ///< mean over anchors of the nearest negative
};

/// Each rank looks at its first few rows against the whole batch.
/// Ranks     collective: one all-reduce of 8 numbers.
PairHealth pair_health(const Group& group, const GlobalRows& rows);

}  // namespace lodestone
