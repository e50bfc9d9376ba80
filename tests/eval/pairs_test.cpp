#include "trainer/eval/pairs.h"

#include <cmath>
#include <numeric>
#include <set>

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "eval/rows_for_tests.h"

namespace lodestone {
using namespace eval;
namespace {

using PairSet = std::set<std::pair<int64_t, int64_t>>;

PairSet as_set(const std::vector<RowPair>& pairs) {
  PairSet set;
  for (const RowPair& pair : pairs) set.emplace(pair.i, pair.j);
  return set;
}

TEST(Pairs, AreAllPairsBelowTheCaps) {
  for (int64_t groups : {1, 3, 40}) {
    const std::vector<int64_t> groups_N = coarse_rows(1, 30, 1, groups).groups_N;
    PairSet same;
    PairSet other;
    for (int64_t i = 0; i < 30; ++i)
      for (int64_t j = i + 1; j < 30; ++j)
        (groups_N[static_cast<size_t>(i)] == groups_N[static_cast<size_t>(j)] ? same : other).emplace(i, j);
    const ChosenPairs pairs = choose_pairs(groups_N, groups_N, {});
    EXPECT_TRUE(pairs.complete());
    EXPECT_EQ(as_set(pairs.positives), same);
    EXPECT_EQ(as_set(pairs.negatives), other);
    EXPECT_EQ(pairs.positives.size() + pairs.negatives.size(), 30U * 29U / 2U);
  }
}

TEST(Pairs, AboveTheCapsAreASampleWithoutRepeatsDecidedByTheSeed) {
  const std::vector<int64_t> groups_N = coarse_rows(2, 60, 1, 5).groups_N;
  const ChosenPairs pairs = choose_pairs(groups_N, groups_N, {50, 700, 3});
  EXPECT_EQ(as_set(pairs.positives).size(), 50U);
  EXPECT_EQ(as_set(pairs.negatives).size(), 700U);
  EXPECT_FALSE(pairs.complete());
  EXPECT_EQ(pairs.all_positives + pairs.all_negatives, 60 * 59 / 2);
  for (const RowPair& pair : pairs.positives) {
    EXPECT_LT(pair.i, pair.j);
    EXPECT_EQ(groups_N[static_cast<size_t>(pair.i)], groups_N[static_cast<size_t>(pair.j)]);
  }
  for (const RowPair& pair : pairs.negatives)
    EXPECT_NE(groups_N[static_cast<size_t>(pair.i)], groups_N[static_cast<size_t>(pair.j)]);
  EXPECT_EQ(as_set(choose_pairs(groups_N, groups_N, {50, 700, 3}).negatives), as_set(pairs.negatives));
  EXPECT_NE(as_set(choose_pairs(groups_N, groups_N, {50, 700, 4}).negatives), as_set(pairs.negatives));
  EXPECT_THROW(choose_pairs(groups_N, groups_N, {-1, 0, 0}), Error);
}

TEST(Pairs, AreSampledEvenly) {
  // 6 rows, two groups of three: 9 negative pairs; each is in 4 of 9 samples of four.
  const std::vector<int64_t> groups_N = {0, 1, 0, 1, 0, 1};
  std::map<std::pair<int64_t, int64_t>, int64_t> seen;
  for (uint64_t seed = 0; seed < 2000; ++seed)
    for (const RowPair& pair : choose_pairs(groups_N, groups_N, {9, 4, seed}).negatives)
      ++seen[{pair.i, pair.j}];
  EXPECT_EQ(seen.size(), 9U);
  for (const auto& [pair, count] : seen) EXPECT_NEAR(static_cast<double>(count) / 2000, 4.0 / 9, 0.05);
}

TEST(Pairs, ScoresBelongToTheirPairs) {
  const LabelledRows rows = coarse_rows(3, 25, 4, 4);
  const ScoredPairs scored = score_pairs(rows, Similarity::kL2, {});
  for (size_t k = 0; k < scored.pairs.negatives.size(); ++k) {
    const RowPair pair = scored.pairs.negatives[k];
    EXPECT_EQ(scored.negative_scores[k], naive_score(rows.x_ND, pair.i, rows.x_ND, pair.j, Similarity::kL2));
  }
}

TEST(DistanceHistogram, HoldsAllPairsInItsBins) {
  const ScoredPairs scored = score_pairs({rows_of({{0}, {1}, {4}}), {0, 0, 1}}, Similarity::kL2, {});
  const DistanceHistogram histogram = distance_histogram(scored, 3);  // distances 1; 3 and 4
  EXPECT_DOUBLE_EQ(histogram.low, 1);
  EXPECT_DOUBLE_EQ(histogram.high, 4);
  EXPECT_EQ(histogram.positives, (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(histogram.negatives, (std::vector<double>{0, 0, 1}));
}

TEST(DistanceHistogram, StandsEqualDistancesAndNoPairs) {
  const ScoredPairs equal = score_pairs({at::ones({4, 2}), {0, 0, 1, 1}}, Similarity::kCosine, {});
  const DistanceHistogram histogram = distance_histogram(equal, 5);
  EXPECT_DOUBLE_EQ(std::accumulate(histogram.positives.begin(), histogram.positives.end(), 0.0), 1);
  EXPECT_TRUE(distance_histogram(ScoredPairs{}, 5).positives.empty());
}

TEST(ChoosePairs, LookAlikesOfDifferentClassesAreNeither) {
  // Classes 0 and 1 look alike.
  const std::vector<int64_t> labels = {0, 0, 1, 2}, groups = {5, 5, 5, 6};
  const ChosenPairs pairs = choose_pairs(labels, groups, {});
  EXPECT_EQ(as_set(pairs.positives), as_set({{0, 1}}));
  EXPECT_EQ(as_set(pairs.negatives), as_set({{0, 3}, {1, 3}, {2, 3}}));
  EXPECT_TRUE(pairs.complete());
}

}  // namespace
}  // namespace lodestone
