#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trainer/eval/pairs.h"
#include "trainer/eval/roc.h"

namespace lodestone::eval {

/// A pair of rows with its score, and the grade that people gave it, if any.
struct JudgedPair {
  RowPair pair;
  double score = 0;
  std::optional<double> grade = {};
};

/// The pairs about which the model errs most, the worst first; a row is in at most one of either list.
struct WorstPairs {
  /// The score from which a pair counts as "the same"; unset for graded pairs, and if there is none.
  std::optional<double> threshold;
  std::vector<JudgedPair> accepts;  ///< too near: different, or of a low grade
  std::vector<JudgedPair> rejects;  ///< too far: the same, or of a high grade
};

/// The false accepts with the highest and the false rejects with the lowest scores, at the threshold where
/// both rates are nearest to each other. Empty if `roc`, the curve of these pairs, is.
/// Cost      one pass over the pairs, and one sort of those that are wrong
WorstPairs worst_pairs(const ScoredPairs& scored, const std::vector<RocPoint>& roc, int64_t count = 6);

/// The pairs whose place in the order of scores is farthest above, and farthest below, their place in the
/// order of grades.
/// Requires  every pair has a grade
WorstPairs worst_graded_pairs(std::span<const JudgedPair> pairs, int64_t count = 6);

}  // namespace lodestone::eval
