#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "distributed/group.h"
#include "trainer/eval/metrics.h"
#include "trainer/eval/pairs.h"
#include "trainer/eval/retrieval.h"

namespace lodestone::eval {

/// Number of resamples, and level of the intervals.
struct BootstrapOptions {
  int64_t resamples = 0;  ///< 0: no intervals
  double level = 0.95;
  uint64_t seed = 0;
};

/// Percentile bootstrap over classes (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter
/// 13). The samples of a class are not independent, so the bootstrap draws classes, not samples: as many as
/// there are, with replacement. A class that was drawn c times has weight c. Draw d of resample r is a
/// function of (seed, r, d) alone.
/// Threads   resamples are distributed over ATen's threads
class Bootstrap {
 public:
  /// Number of resamples that are processed together, side by side in memory.
  static constexpr int64_t kLanes = 8;
  /// How often each class was drawn in kLanes resamples: counts[kLanes * class + lane]. One more class with
  /// counts of 1 follows.
  using Counts = std::vector<double>;
  /// Writes metric m of lane l to values[kLanes * m + l]; NaN if the resample leaves it undefined. Must be
  /// safe concurrently.
  using Statistic = std::function<void(const Counts& counts, std::span<double> values)>;

  /// Classes are the distinct values of groups_N.
  Bootstrap(std::span<const int64_t> groups_N, const BootstrapOptions& options);
  /// Makes each of `items` items a class of its own.
  Bootstrap(int64_t items, const BootstrapOptions& options);

  /// The class of row i, in 0 … classes() - 1.
  int64_t class_of(int64_t row) const { return class_of_N_[static_cast<size_t>(row)]; }
  int64_t classes() const { return classes_; }

  /// The interval of each named metric: the quantiles (1 ∓ level)/2 of its defined resamples, interpolated
  /// linearly. Undefined for fewer than two classes, or if no resample defines it.
  /// Ranks     collective: each rank computes its share of the resamples; every rank gets the same bits
  std::vector<Interval> intervals(std::span<const char* const> names, const Statistic& statistic,
                                  const distributed::Group& group) const;

 private:
  Counts draw(int64_t first) const;

  BootstrapOptions options_;
  int64_t classes_ = 0;
  std::vector<int64_t> class_of_N_;
};

/// Intervals of the metrics of retrieval_metrics(). The gallery is not resampled.
/// Math      Σ_c w_c S_c / Σ_c w_c Q_c, S_c the sum of a metric over the Q_c queries of class c that are not
///           lone, w_c how often the class was drawn
/// Ranks     collective
/// Requires  query q is row q of the groups
std::vector<Interval> bootstrap_retrieval(const Retrieval& found, const Bootstrap& bootstrap,
                                          const distributed::Group& group = distributed::single_group());

/// Intervals of roc_auc and eer. The weight of a pair is the product of how often its two classes were drawn,
/// or that number itself if both rows are of one class.
/// Ranks     collective
/// Cost      one sort of the scores, then two sweeps over the pairs per Bootstrap::kLanes resamples
std::vector<Interval> bootstrap_pairs(const ScoredPairs& scored, const Bootstrap& bootstrap,
                                      const distributed::Group& group = distributed::single_group());

/// The interval of spearman over its pairs (a_P[p], b_P[p]), P >= 0. A pair occurs in a resample as often as
/// it was drawn.
/// Ranks     collective
/// Throws    Error if the sides have different lengths
Interval bootstrap_spearman(std::span<const double> a_P, std::span<const double> b_P,
                            const BootstrapOptions& options,
                            const distributed::Group& group = distributed::single_group());

/// The interval of the mean of values_T over trials, each of which is drawn by itself; `name` is the metric's
/// name.
/// Ranks     collective
Interval bootstrap_mean(const char* name, std::span<const double> values_T, const BootstrapOptions& options,
                        const distributed::Group& group = distributed::single_group());

}  // namespace lodestone::eval
