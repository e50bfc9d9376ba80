#include "trainer/eval/roc.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

namespace lodestone::eval {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Appends a point and removes the previous one if it lies inside a horizontal or vertical run.
void append(std::vector<RocPoint>& curve, const RocPoint& point) {
  if (curve.size() >= 2) {
    const RocPoint& a = curve[curve.size() - 2];
    const RocPoint& b = curve.back();
    if ((a.tar == b.tar && b.tar == point.tar) || (a.far == b.far && b.far == point.far)) curve.pop_back();
  }
  curve.push_back(point);
}

// Scores that are sorted already cost one pass.
void sort_falling(std::vector<double>& scores) {
  if (!std::is_sorted(scores.begin(), scores.end(), std::greater<>()))
    std::sort(scores.begin(), scores.end(), std::greater<>());
}

// Visits the operating point of each distinct score, by descending threshold, while `visit` returns true.
template <typename Visit>
void sweep(std::vector<double> positive_scores, std::vector<double> negative_scores, const Visit& visit) {
  sort_falling(positive_scores);
  sort_falling(negative_scores);
  const size_t positives = positive_scores.size();
  const size_t negatives = negative_scores.size();
  size_t p = 0;
  size_t n = 0;
  while (p < positives || n < negatives) {
    const double threshold = std::max(p < positives ? positive_scores[p] : -kInfinity,
                                      n < negatives ? negative_scores[n] : -kInfinity);
    while (p < positives && positive_scores[p] == threshold) ++p;
    while (n < negatives && negative_scores[n] == threshold) ++n;
    if (!visit(RocPoint{threshold, static_cast<double>(n) / static_cast<double>(negatives),
                        static_cast<double>(p) / static_cast<double>(positives)}))
      return;
  }
}

}  // namespace

std::vector<RocPoint> roc_curve(std::vector<double> positive_scores, std::vector<double> negative_scores) {
  if (positive_scores.empty() || negative_scores.empty()) return {};
  std::vector<RocPoint> curve = {{kInfinity, 0, 0}};
  sweep(std::move(positive_scores), std::move(negative_scores), [&](const RocPoint& point) {
    append(curve, point);
    return true;
  });
  return curve;
}

std::optional<RocPoint> operating_point(std::vector<double> positive_scores,
                                        std::vector<double> negative_scores, double far) {
  std::optional<RocPoint> lowest;
  if (positive_scores.empty() || negative_scores.empty()) return lowest;
  sweep(std::move(positive_scores), std::move(negative_scores), [&](const RocPoint& point) {
    if (point.far > far) return false;
    lowest = point;
    return true;
  });
  return lowest;
}

double average_precision(std::vector<double> positive_scores, std::vector<double> negative_scores) {
  if (positive_scores.empty() || negative_scores.empty()) return kUndefined;
  sort_falling(positive_scores);
  sort_falling(negative_scores);
  const size_t positives = positive_scores.size();
  double sum = 0;
  size_t n = 0;
  for (size_t p = 0; p < positives;) {
    const double threshold = positive_scores[p];
    const size_t before = p;
    while (p < positives && positive_scores[p] == threshold) ++p;
    while (n < negative_scores.size() && negative_scores[n] >= threshold) ++n;
    sum += static_cast<double>(p - before) * static_cast<double>(p) / static_cast<double>(p + n);
  }
  return sum / static_cast<double>(positives);
}

double roc_auc(const std::vector<RocPoint>& curve) {
  if (curve.empty()) return kUndefined;
  double area = 0;
  for (size_t k = 1; k < curve.size(); ++k)
    area += (curve[k].far - curve[k - 1].far) * (curve[k].tar + curve[k - 1].tar) / 2;
  return area;
}

double equal_error_rate(const std::vector<RocPoint>& curve) {
  if (curve.empty()) return kUndefined;
  // False accepts minus false rejects: rises from -1 to 1 along the curve.
  const auto balance = [](const RocPoint& point) { return point.far - (1 - point.tar); };
  for (size_t k = 1; k < curve.size(); ++k) {
    const double before = balance(curve[k - 1]);
    const double after = balance(curve[k]);
    if (after < 0) continue;
    const double share = before / (before - after);
    return curve[k - 1].far + share * (curve[k].far - curve[k - 1].far);
  }
  return curve.back().far;
}

double tar_at_far(const std::vector<RocPoint>& curve, double far) {
  if (curve.empty()) return kUndefined;
  double best = 0;
  for (const RocPoint& point : curve)
    if (point.far <= far) best = std::max(best, point.tar);
  return best;
}

std::vector<RocPoint> thin_roc(const std::vector<RocPoint>& curve, int64_t points) {
  if (static_cast<int64_t>(curve.size()) <= points) return curve;
  constexpr double kDecades = 7;
  const double steps = std::max(1.0, static_cast<double>(points) / 2);
  const auto decade = [](const RocPoint& p) { return std::log10(std::max(p.far, std::pow(10, -kDecades))); };
  std::vector<RocPoint> kept = {curve.front()};
  for (size_t k = 1; k + 1 < curve.size(); ++k) {
    const bool far_moved = decade(curve[k]) - decade(kept.back()) >= kDecades / steps;
    const bool tar_moved = curve[k].tar - kept.back().tar >= 1 / steps;
    if (far_moved || tar_moved) kept.push_back(curve[k]);
  }
  kept.push_back(curve.back());
  return kept;
}

}  // namespace lodestone::eval
