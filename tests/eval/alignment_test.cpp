#include "trainer/eval/alignment.h"

#include <cmath>

#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "eval/rows_for_tests.h"

namespace lodestone {
using namespace eval;
namespace {

TEST(Alignment, IsTheMeanSquaredDistanceOfPositives) {
  const LabelledRows rows = clustered_rows(1, 30, 5, 6, 0.7);
  double sum = 0;
  double pairs = 0;
  for (int64_t i = 0; i < 30; ++i)
    for (int64_t j = 0; j < i; ++j) {
      if (rows.groups_N[static_cast<size_t>(i)] != rows.groups_N[static_cast<size_t>(j)]) continue;
      sum += 2 - 2 * naive_score(rows.x_ND, i, rows.x_ND, j, Similarity::kCosine);
      ++pairs;
    }
  EXPECT_NEAR(alignment(score_pairs(rows, Similarity::kCosine, {})), sum / pairs, 1e-6);
  EXPECT_TRUE(std::isnan(alignment(ScoredPairs{})));
}

TEST(Uniformity, IsTheLogOfTheMeanPotential) {
  const at::Tensor x_ND = clustered_rows(2, 40, 5, 40, 1).x_ND;
  double sum = 0;
  for (int64_t i = 0; i < 40; ++i)
    for (int64_t j = 0; j < i; ++j)
      sum += std::exp(-2 * (2 - 2 * naive_score(x_ND, i, x_ND, j, Similarity::kCosine)));
  EXPECT_NEAR(uniformity(x_ND), std::log(sum / (40 * 39 / 2)), 1e-5);
  EXPECT_NEAR(uniformity(at::ones({300, 4})), 0, 1e-6);  // collapse
  EXPECT_TRUE(std::isnan(uniformity(at::ones({1, 4}))));
}

TEST(EffectiveRank, CountsTheDirectionsInUse) {
  EXPECT_NEAR(effective_rank(at::eye(6)), 6, 1e-9);
  EXPECT_NEAR(effective_rank(at::ones({20, 6})), 1, 1e-4);
  EXPECT_NEAR(effective_rank(at::eye(6).narrow(0, 0, 2)), 2, 1e-9);
  // Three rows one way and one another: singular values sqrt(3) and 1.
  const double p = std::sqrt(3.0) / (1 + std::sqrt(3.0));
  const double entropy = -p * std::log(p) - (1 - p) * std::log(1 - p);
  EXPECT_NEAR(effective_rank(rows_of({{2, 0}, {5, 0}, {1, 0}, {0, 3}})), std::exp(entropy), 1e-6);
  EXPECT_TRUE(std::isnan(effective_rank(at::zeros({3, 2}))));
  EXPECT_TRUE(std::isnan(effective_rank(at::ones({0, 2}))));
}

TEST(Spread, OfASampleIsNearThatOfAllAndDecidedByTheSeed) {
  const at::Tensor x_ND = clustered_rows(3, 900, 8, 900, 1).x_ND;
  EXPECT_NEAR(uniformity(x_ND, {300, 1}), uniformity(x_ND), 0.1);
  EXPECT_NEAR(effective_rank(x_ND, {300, 1}), effective_rank(x_ND), 0.1);
  EXPECT_EQ(uniformity(x_ND, {300, 1}), uniformity(x_ND, {300, 1}));
  EXPECT_NE(uniformity(x_ND, {300, 1}), uniformity(x_ND, {300, 2}));
}

}  // namespace
}  // namespace lodestone
