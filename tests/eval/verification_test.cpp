#include "trainer/eval/verification.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "eval/rows_for_tests.h"

namespace lodestone {
using namespace eval;
namespace {

Verification verify(const LabelledRows& rows, Similarity similarity = Similarity::kCosine) {
  return verify_pairs(score_pairs(rows, similarity, {}), rows.groups_N);
}

TEST(Verification, SeparatesDistantClusters) {
  const Verification found = verify(clustered_rows(1, 80, 16, 20, 0.05));
  EXPECT_DOUBLE_EQ(*found.metrics.find("roc_auc"), 1);
  EXPECT_DOUBLE_EQ(*found.metrics.find("eer"), 0);
  EXPECT_DOUBLE_EQ(*found.metrics.find("accuracy"), 1);
  EXPECT_DOUBLE_EQ(*found.metrics.find("tar_at_far_1e-4"), 1);
  EXPECT_EQ(*found.metrics.find("accuracy_folds"), 10);
  EXPECT_EQ(*verify(clustered_rows(1, 16, 16, 4, 0.05)).metrics.find("accuracy_folds"), 2);
  EXPECT_EQ(*found.metrics.find("positive_pairs"), 20 * 6);
  EXPECT_EQ(*found.metrics.find("negative_pairs"), 80 * 79 / 2 - 20 * 6);
}

TEST(Verification, IsAtChanceForCollapsedAndForRandomRows) {
  LabelledRows rows = coarse_rows(2, 120, 24, 30);
  const Verification random = verify(rows);
  EXPECT_NEAR(*random.metrics.find("roc_auc"), 0.5, 0.08);
  EXPECT_NEAR(*random.metrics.find("accuracy"), 0.5, 0.1);
  rows.x_ND = at::ones({120, 24});
  const Verification collapsed = verify(rows);
  EXPECT_DOUBLE_EQ(*collapsed.metrics.find("roc_auc"), 0.5);
  EXPECT_DOUBLE_EQ(*collapsed.metrics.find("eer"), 0.5);
  EXPECT_DOUBLE_EQ(*collapsed.metrics.find("accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(*collapsed.metrics.find("tar_at_far_1e-1"), 0);
}

TEST(Verification, IsUndefinedForOneClassAndForLoneRows) {
  const at::Tensor x_ND = coarse_rows(3, 6, 4, 1).x_ND;
  for (const std::vector<int64_t>& groups :
       {std::vector<int64_t>(6, 1), std::vector<int64_t>{0, 1, 2, 3, 4, 5}}) {
    const Verification found = verify({x_ND, groups});
    EXPECT_TRUE(found.roc.empty());
    for (const char* name : {"roc_auc", "eer", "accuracy", "tar_at_far_1e-1"})
      EXPECT_FALSE(found.metrics.find(name)) << name;
  }
}

// Balanced accuracy on the pairs within `evaluated` at the best threshold within `learnt`, by trying all.
double naive_fold(const LabelledRows& rows, const std::set<int64_t>& learnt,
                  const std::set<int64_t>& evaluated) {
  const ScoredPairs scored = score_pairs(rows, Similarity::kCosine, {});
  const auto scores_within = [&](const std::set<int64_t>& classes, bool same) {
    std::vector<double> kept;
    const auto& pairs = same ? scored.pairs.positives : scored.pairs.negatives;
    for (size_t k = 0; k < pairs.size(); ++k)
      if (classes.count(rows.groups_N[static_cast<size_t>(pairs[k].i)]) > 0 &&
          classes.count(rows.groups_N[static_cast<size_t>(pairs[k].j)]) > 0)
        kept.push_back(same ? scored.positive_scores[k] : scored.negative_scores[k]);
    return kept;
  };
  const auto accuracy = [&](const std::set<int64_t>& classes, double threshold) {
    const auto rate = [&](const std::vector<double>& scores) {
      double accepted = 0;
      for (double s : scores) accepted += s >= threshold ? 1 : 0;
      return accepted / static_cast<double>(scores.size());
    };
    return (rate(scores_within(classes, true)) + 1 - rate(scores_within(classes, false))) / 2;
  };
  std::set<double, std::greater<>> all;
  for (bool same : {true, false})
    for (double s : scores_within(learnt, same)) all.insert(s);
  double best = 2;  // above every cosine
  double previous = 2;
  for (double next : all) {
    const double middle = (previous + next) / 2;
    if (accuracy(learnt, middle) > accuracy(learnt, best) + 1e-12) best = middle;
    previous = next;
  }
  return accuracy(evaluated, best);
}

TEST(FoldAccuracy, EqualsANaiveSweepForOneOfTheWaysToDealFourClasses) {
  const LabelledRows rows = clustered_rows(4, 24, 3, 4, 0.8);
  std::vector<double> possible;
  for (int64_t partner : {1, 2, 3}) {
    const std::set<int64_t> one = {0, partner};
    std::set<int64_t> other = {1, 2, 3};
    other.erase(partner);
    possible.push_back((naive_fold(rows, one, other) + naive_fold(rows, other, one)) / 2);
  }
  std::set<size_t> met;
  const ScoredPairs scored = score_pairs(rows, Similarity::kCosine, {});
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const double found = fold_accuracy(scored, rows.groups_N, seed);
    for (size_t way = 0; way < 3; ++way)
      if (std::abs(possible[way] - found) < 1e-12) met.insert(way);
    EXPECT_TRUE(std::any_of(possible.begin(), possible.end(), [&](double p) {
      return std::abs(p - found) < 1e-12;
    })) << found;
  }
  EXPECT_EQ(met.size(), 3U);  // the seed decides
}

TEST(FoldAccuracy, DoesNotReadItsOwnFold) {
  // Spoiling the positives of one class must cost its own fold and no other.
  const LabelledRows rows = clustered_rows(5, 80, 16, 20, 0.05);
  ScoredPairs scored = score_pairs(rows, Similarity::kCosine, {});
  ASSERT_DOUBLE_EQ(fold_accuracy(scored, rows.groups_N, 0), 1);
  for (size_t k = 0; k < scored.positive_scores.size(); ++k)
    if (rows.groups_N[static_cast<size_t>(scored.pairs.positives[k].i)] == 7) scored.positive_scores[k] = -1;
  // One fold of ten holds class 7 beside one other: it loses half its positives, a quarter of its accuracy.
  EXPECT_NEAR(fold_accuracy(scored, rows.groups_N, 0), 1 - 0.25 / 10, 1e-12);
}

TEST(FoldAccuracy, IsUndefinedWithFewClasses) {
  const LabelledRows rows = clustered_rows(6, 12, 4, 3, 0.1);
  EXPECT_TRUE(std::isnan(fold_accuracy(score_pairs(rows, Similarity::kCosine, {}), rows.groups_N, 0)));
}

}  // namespace
}  // namespace lodestone
