#include "trainer/eval/worst_pairs.h"

#include <gtest/gtest.h>

namespace lodestone {
using namespace eval;
namespace {

WorstPairs worst_of(const ScoredPairs& scored, int64_t count = 6) {
  return worst_pairs(scored, roc_curve(scored.positive_scores, scored.negative_scores), count);
}

ScoredPairs scored_pairs(const std::vector<double>& positives, const std::vector<double>& negatives) {
  ScoredPairs scored;
  int64_t row = 0;
  for (size_t k = 0; k < positives.size(); ++k, row += 2) scored.pairs.positives.push_back({row, row + 1});
  for (size_t k = 0; k < negatives.size(); ++k, row += 2) scored.pairs.negatives.push_back({row, row + 1});
  scored.positive_scores = positives;
  scored.negative_scores = negatives;
  return scored;
}

TEST(WorstPairs, AreWrongAtTheThresholdWhereBothErrorsAreEquallyFrequent) {
  // From 0.6 on: one of four positives is rejected, and one of four negatives accepted.
  const WorstPairs worst = worst_of(scored_pairs({0.9, 0.8, 0.6, 0.1}, {0.7, 0.3, 0.2, 0.0}));
  EXPECT_EQ(worst.threshold, 0.6);
  ASSERT_EQ(worst.accepts.size(), 1U);
  EXPECT_EQ(worst.accepts[0].score, 0.7);
  EXPECT_EQ(worst.accepts[0].pair.i, 8);
  ASSERT_EQ(worst.rejects.size(), 1U);
  EXPECT_EQ(worst.rejects[0].score, 0.1);
  EXPECT_EQ(worst.rejects[0].pair.j, 7);
}

TEST(WorstPairs, ThereAreNoneWhereNothingIsWrongOrNothingIsKnown) {
  const WorstPairs right = worst_of(scored_pairs({0.9, 0.8}, {0.3, 0.2}));
  EXPECT_TRUE(right.threshold);
  EXPECT_TRUE(right.accepts.empty());
  EXPECT_TRUE(right.rejects.empty());
  EXPECT_FALSE(worst_of(scored_pairs({0.9}, {})).threshold);
}

TEST(WorstPairs, ASampleIsShownOnce) {
  ScoredPairs scored = scored_pairs({0.1, 0.2, 0.3}, {0.7, 0.8, 0.9});
  scored.pairs.negatives = {{6, 7}, {7, 8}, {8, 9}};  // the best shares row 8 with the second
  const WorstPairs worst = worst_of(scored);
  ASSERT_EQ(worst.accepts.size(), 2U);
  EXPECT_EQ(worst.accepts[0].score, 0.9);
  EXPECT_EQ(worst.accepts[1].score, 0.7);
  EXPECT_EQ(worst_of(scored, 1).accepts.size(), 1U);
}

TEST(WorstPairs, OfGradesAreThoseOutOfOrder) {
  const std::vector<JudgedPair> pairs = {{{0, 1}, 0.9, 0.0},  // nearest of all, of the lowest grade
                                         {{2, 3}, 0.5, 2.0},
                                         {{4, 5}, 0.1, 5.0},  // farthest of all, of the highest grade
                                         {{6, 7}, 0.3, 1.0}};
  const WorstPairs worst = worst_graded_pairs(pairs);
  EXPECT_FALSE(worst.threshold);
  ASSERT_EQ(worst.accepts.size(), 1U);
  EXPECT_EQ(worst.accepts[0].pair.i, 0);
  EXPECT_EQ(worst.accepts[0].grade, 0.0);
  ASSERT_EQ(worst.rejects.size(), 1U);
  EXPECT_EQ(worst.rejects[0].pair.i, 4);
}

}  // namespace
}  // namespace lodestone
