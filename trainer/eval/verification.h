#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trainer/eval/metrics.h"
#include "trainer/eval/pairs.h"
#include "trainer/eval/roc.h"

namespace lodestone::eval {

/// Verification ("same or not?") over pairs of rows: how well one threshold on the score separates positives
/// from negatives.
struct Verification {
  /// roc_auc, average_precision, eer, accuracy, accuracy_folds, tar_at_far_1e-1 … 1e-4, positive_pairs,
  /// negative_pairs (as compared). NaN ("undefined") where there is no positive or no negative pair.
  Metrics metrics;
  std::vector<RocPoint> roc;
  std::optional<RocPoint> operating_point;  ///< operating_point() of the pairs; unset if none was asked for
};

/// Computes the verification metrics of the given pairs, exactly, and with `far` the operating point at that
/// false accept rate.
/// Cost      one sort of the scores, and ten sweeps for `accuracy`
Verification verify_pairs(const ScoredPairs& scored, std::span<const int64_t> groups_N, uint64_t seed = 0,
                          std::optional<double> far = {});

/// Ten-fold accuracy as for Labeled Faces in the Wild (Huang et al. 2007). Classes are assigned to folds
/// (seeded); a pair belongs to a fold if both its classes do and is left out if they differ. Each fold is
/// evaluated at the threshold that is best on the other folds, hence on classes that did not influence it.
/// Accuracy is balanced, (TAR + 1 - FAR) / 2: chance is 1/2 for any number of negatives. There are fewer
/// folds if there are fewer than 20 classes of two rows or more; with fewer than 4 such classes it is NaN.
double fold_accuracy(const ScoredPairs& scored, std::span<const int64_t> groups_N, uint64_t seed,
                     int64_t folds = 10);

}  // namespace lodestone::eval
