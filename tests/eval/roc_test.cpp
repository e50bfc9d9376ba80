#include "trainer/eval/roc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "common/rng.h"

namespace lodestone {
using namespace eval;
namespace {

using Scores = std::vector<double>;

double share_at_least(const Scores& scores, double threshold) {
  const auto accepted = std::count_if(scores.begin(), scores.end(), [&](double s) { return s >= threshold; });
  return static_cast<double>(accepted) / static_cast<double>(scores.size());
}

std::vector<RocPoint> naive_sweep(const Scores& positives, const Scores& negatives) {
  std::set<double, std::greater<>> thresholds(positives.begin(), positives.end());
  thresholds.insert(negatives.begin(), negatives.end());
  std::vector<RocPoint> points = {{std::numeric_limits<double>::infinity(), 0, 0}};
  for (double t : thresholds)
    points.push_back({t, share_at_least(negatives, t), share_at_least(positives, t)});
  return points;
}

double naive_auc(const Scores& positives, const Scores& negatives) {
  double wins = 0;
  for (double p : positives)
    for (double n : negatives) wins += p > n ? 1 : p == n ? 0.5 : 0;
  return wins / static_cast<double>(positives.size() * negatives.size());
}

// Walks the polyline in small steps to where false accepts reach false rejects.
double naive_eer(const std::vector<RocPoint>& points) {
  for (size_t k = 1; k < points.size(); ++k)
    for (int step = 0; step <= 20000; ++step) {
      const double t = step / 20000.0;
      const double far = points[k - 1].far + t * (points[k].far - points[k - 1].far);
      const double tar = points[k - 1].tar + t * (points[k].tar - points[k - 1].tar);
      if (far >= 1 - tar - 1e-12) return far;
    }
  return 1;
}

Scores coarse(uint64_t seed, size_t count, double shift) {
  Random random(seed, Purpose::kNoise);
  Scores scores;
  for (size_t k = 0; k < count; ++k) scores.push_back(std::round(4 * (random.normal() + shift)) / 4);
  return scores;
}

TEST(Roc, EqualsANaiveThresholdSweep) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const Scores positives = coarse(seed, 20 + seed, 0.2 * static_cast<double>(seed));
    const Scores negatives = coarse(seed + 100, 90, 0);
    const auto curve = roc_curve(positives, negatives);
    const auto sweep = naive_sweep(positives, negatives);
    EXPECT_NEAR(roc_auc(curve), naive_auc(positives, negatives), 1e-12);
    EXPECT_NEAR(equal_error_rate(curve), naive_eer(sweep), 1e-4);
    for (double far : {0.5, 0.1, 0.05, 1e-2, 1e-4}) {
      double best = 0;
      for (const RocPoint& point : sweep)
        if (point.far <= far) best = std::max(best, point.tar);
      EXPECT_EQ(tar_at_far(curve, far), best);
    }
  }
}

// By trying every score: with ties, where all positives are accepted already, and where none is.
TEST(Roc, AnOperatingPointIsTheLowestScoreWithinTheRate) {
  std::vector<std::pair<Scores, Scores>> cases = {{{0.9, 0.8}, {0.7, 0.6, 0.5, 0.4, 0.3}},
                                                  {{0.9}, {0.95, 0.92, 0.3, 0.2}},
                                                  {{1, 1, 1}, {1, 1}},
                                                  {{0}, {1, 1, 2}}};
  for (uint64_t seed = 0; seed < 12; ++seed)
    cases.emplace_back(coarse(seed, 15, 0.4 * static_cast<double>(seed)), coarse(seed + 100, 60, 0));
  for (const auto& [positives, negatives] : cases)
    for (double far = 0; far <= 1; far += 1.0 / 32) {
      std::optional<RocPoint> lowest;
      for (const RocPoint& point : naive_sweep(positives, negatives))
        if (point.far <= far && std::isfinite(point.threshold)) lowest = point;
      const auto found = operating_point(positives, negatives, far);
      ASSERT_EQ(found.has_value(), lowest.has_value()) << far;
      if (!found) continue;
      EXPECT_EQ(found->threshold, lowest->threshold) << far;
      EXPECT_EQ(found->far, lowest->far) << far;
      EXPECT_EQ(found->tar, lowest->tar) << far;
    }
  EXPECT_FALSE(operating_point({}, {1}, 1));
  EXPECT_FALSE(operating_point({1}, {}, 1));
}

TEST(Roc, HandExample) {
  // 0.9 P, 0.8 N, 0.7 P, 0.6 N: of four comparisons three are won.
  const auto curve = roc_curve({0.9, 0.7}, {0.8, 0.6});
  EXPECT_DOUBLE_EQ(roc_auc(curve), 0.75);
  EXPECT_DOUBLE_EQ(equal_error_rate(curve), 0.5);
  EXPECT_DOUBLE_EQ(tar_at_far(curve, 0.1), 0.5);
  EXPECT_DOUBLE_EQ(tar_at_far(curve, 0.5), 1);
}

TEST(Roc, PerfectReversedAndTied) {
  EXPECT_DOUBLE_EQ(roc_auc(roc_curve({3, 2}, {1, 0})), 1);
  EXPECT_DOUBLE_EQ(equal_error_rate(roc_curve({3, 2}, {1, 0})), 0);
  EXPECT_DOUBLE_EQ(roc_auc(roc_curve({0, 1}, {2, 3})), 0);
  EXPECT_DOUBLE_EQ(equal_error_rate(roc_curve({0, 1}, {2, 3})), 1);
  const auto tied = roc_curve({1, 1, 1}, {1, 1});
  EXPECT_EQ(tied.size(), 2U);  // one diagonal
  EXPECT_DOUBLE_EQ(roc_auc(tied), 0.5);
  EXPECT_DOUBLE_EQ(equal_error_rate(tied), 0.5);
  EXPECT_DOUBLE_EQ(tar_at_far(tied, 0.1), 0);
}

TEST(Roc, AveragePrecisionIsThatOfItsDefinition) {
  // 0.9 P, 0.8 N, 0.7 P and N together: 1/2 · 1 + 1/2 · 2/4.
  EXPECT_DOUBLE_EQ(average_precision({0.7, 0.9}, {0.7, 0.8}), 0.75);
  EXPECT_DOUBLE_EQ(average_precision({1, 1}, {1, 1, 1, 1}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(average_precision({2}, {1}), 1);
  EXPECT_TRUE(std::isnan(average_precision({}, {1})));
  EXPECT_TRUE(std::isnan(average_precision({1}, {})));
}

TEST(Roc, IsUndefinedWithoutBothSides) {
  EXPECT_TRUE(roc_curve({}, {1}).empty());
  EXPECT_TRUE(std::isnan(roc_auc(roc_curve({1}, {}))));
  EXPECT_TRUE(std::isnan(equal_error_rate({})));
  EXPECT_TRUE(std::isnan(tar_at_far({}, 0.1)));
}

TEST(Roc, ThinnedForDrawingKeepsItsEndsAndItsShape) {
  const auto curve = roc_curve(coarse(1, 3000, 1), coarse(2, 9000, 0));
  Scores fine_positives;
  Scores fine_negatives;
  Random random(5, Purpose::kNoise);
  for (int k = 0; k < 5000; ++k) fine_positives.push_back(random.normal() + 1);
  for (int k = 0; k < 5000; ++k) fine_negatives.push_back(random.normal());
  const auto fine = roc_curve(fine_positives, fine_negatives);
  const auto thin = thin_roc(fine, 100);
  EXPECT_LE(thin.size(), 202U);
  EXPECT_LT(thin.size(), fine.size() / 5);
  EXPECT_EQ(thin.front().far, 0);
  EXPECT_EQ(thin.back().tar, 1);
  EXPECT_NEAR(roc_auc(thin), roc_auc(fine), 0.01);
  EXPECT_EQ(thin_roc(curve, 1000).size(), curve.size());
}

}  // namespace
}  // namespace lodestone
