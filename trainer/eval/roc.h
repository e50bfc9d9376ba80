#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lodestone::eval {

/// One operating point of a verifier that says "same" when score >= threshold.
struct RocPoint {
  double threshold;
  double far;  ///< false accept rate: share of negatives accepted
  double tar;  ///< true accept rate: share of positives accepted
};

/// The exact receiver operating characteristic, from (inf, 0, 0) to (lowest score, 1, 1) by descending
/// threshold. Equal scores form one (diagonal) segment, so no order among ties is assumed. Points inside a
/// horizontal or vertical run are left out, which does not change the curve. Empty if either side is empty,
/// since no rate is defined then.
/// Cost      one sort of each side
std::vector<RocPoint> roc_curve(std::vector<double> positive_scores, std::vector<double> negative_scores);

/// The operating point of the lowest of all scores whose false accept rate is at most `far`; unset if there
/// is none, or if either side is empty. Unlike the curve it also takes scores inside a horizontal run.
/// Cost      as roc_curve
std::optional<RocPoint> operating_point(std::vector<double> positive_scores,
                                        std::vector<double> negative_scores, double far);

/// Area under the curve = P(positive > negative) + P(equal)/2. Like the metrics below, NaN for an empty
/// curve.
double roc_auc(const std::vector<RocPoint>& curve);

/// Average precision of "same". Not interpolated; equal scores count together. NaN without a positive or a
/// negative.
/// Math      Σ (TAR_k - TAR_{k-1}) · precision_k over the distinct scores by descending threshold, precision
///           the share of positives among the accepted pairs
double average_precision(std::vector<double> positive_scores, std::vector<double> negative_scores);

/// The rate at which false accepts equal false rejects, interpolated linearly on the segment where they
/// cross.
double equal_error_rate(const std::vector<RocPoint>& curve);

/// The largest true accept rate of a threshold whose false accept rate is at most `far`. Not interpolated:
/// ties count against the model. With fewer than 1/far negatives it is the rate above the highest negative.
double tar_at_far(const std::vector<RocPoint>& curve, double far);

/// At most about `points` points of the curve for a chart, spread evenly in log FAR and in TAR, with both
/// ends.
std::vector<RocPoint> thin_roc(const std::vector<RocPoint>& curve, int64_t points = 200);

}  // namespace lodestone::eval
