#pragma once

#include "trainer/negatives/tiles/row_set.h"

namespace lodestone::negatives {

/// Distances between the embeddings of a batch, from a sample of anchors; distances are Euclidean. With two
/// towers, anchors are rows of the first and references rows of the second.
struct PairHealth {
  double positive_distance = 0;          ///< mean over pairs
  double negative_distance = 0;          ///< mean over pairs
  double hardest_positive_distance = 0;  ///< mean over anchors of the farthest positive
  double hardest_negative_distance = 0;  ///< mean over anchors of the nearest negative
  double positive_similarity = 0;        ///< mean cosine over pairs
  double negative_similarity = 0;        ///< mean cosine over pairs
  double alignment = 0;   ///< mean squared distance of positives, rows on the unit sphere (Wang & Isola 2020)
  double uniformity = 0;  ///< log mean exp(-2 d²) of all pairs, rows on the unit sphere (ibid.)
  double effective_rank = 0;  ///< exp of the entropy of the singular values' shares (Roy & Vetterli 2007)
};

/// Compares the first few rows of each rank with the rows that it holds (with a ring, its own).
/// Ranks     collective: one all-reduce of 16 numbers and one all-gather of up to 128 rows in all
PairHealth pair_health(const distributed::Group& group, const RowSet& rows,
                       const RowSet* references = nullptr);

}  // namespace lodestone::negatives
