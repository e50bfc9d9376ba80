#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/eval/comparison.h"
#include "trainer/eval/rows.h"

namespace lodestone::eval {

/// Options of the choice of pairs.
struct PairOptions {
  int64_t max_positives = 2'000'000;  ///< more are sampled uniformly without repeats
  int64_t max_negatives = 2'000'000;  ///< likewise
  uint64_t seed = 0;                  ///< seed of the sample and of the folds of `accuracy`
};

/// An unordered pair of rows.
struct RowPair {
  int64_t i;
  int64_t j;  ///< i < j
};

/// Pairs of distinct rows, each at most once, in order of (i, j).
struct ChosenPairs {
  std::vector<RowPair> positives;  ///< same class
  std::vector<RowPair> negatives;  ///< different groups
  int64_t all_positives = 0;       ///< number of all positive pairs
  int64_t all_negatives = 0;

  /// Are all pairs included, without sampling?
  bool complete() const {
    return static_cast<int64_t>(positives.size()) == all_positives &&
           static_cast<int64_t>(negatives.size()) == all_negatives;
  }
};

/// Chooses all pairs of each kind up to its cap; above it, a sample that is a pure function of (labels,
/// groups, seed).
/// Cost      O(N log N + chosen pairs · log); N < 2^31
/// Throws    Error if a cap is negative
ChosenPairs choose_pairs(std::span<const int64_t> labels_N, std::span<const int64_t> groups_N,
                         const PairOptions& options);

/// Pairs with their scores; positive_scores[k] belongs to pairs.positives[k].
struct ScoredPairs {
  ChosenPairs pairs;
  std::vector<double> positive_scores;
  std::vector<double> negative_scores;
  Similarity similarity = Similarity::kCosine;
};

/// Scores pairs that choose_pairs or the data chose, on ATen's intra-op threads.
/// Ranks     collective: each rank scores its share of the pairs; every rank gets all scores
ScoredPairs score_pairs(ChosenPairs pairs, const Comparison& rows,
                        const distributed::Group& group = distributed::single_group());

/// Chooses and scores pairs, on ATen's intra-op threads.
/// Cost      2·D flops per pair, in float64
ScoredPairs score_pairs(const LabelledRows& rows, Similarity similarity, const PairOptions& options);

/// Histograms of the distances of positives and negatives: the share of each kind per bin of Euclidean
/// distance (distance_of_score).
struct DistanceHistogram {
  double low = 0;                 ///< left edge of the first bin
  double high = 0;                ///< right edge of the last bin
  std::vector<double> positives;  ///< share per bin; sums to 1 (empty if there are no pairs)
  std::vector<double> negatives;
};
DistanceHistogram distance_histogram(const ScoredPairs& scored, int64_t bins = 40);

}  // namespace lodestone::eval
