#include "trainer/eval/spearman.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "common/error.h"

namespace lodestone {
using namespace eval;
namespace {

double of(const std::vector<double>& a, const std::vector<double>& b) {
  return spearman(a, b);
}

TEST(Spearman, SeesOnlyTheOrder) {
  EXPECT_DOUBLE_EQ(of({1, 2, 3, 4}, {10, 100, 1000, 10000}), 1);
  EXPECT_DOUBLE_EQ(of({1, 2, 3, 4}, {5, 4, 3, -7}), -1);
}

// Without ties it is 1 - 6 Σ d² / (n (n² - 1)).
TEST(Spearman, EqualsTheTextbookFormula) {
  EXPECT_NEAR(of({1, 2, 3, 4, 5}, {2, 1, 4, 3, 5}), 1 - 6.0 * 4 / (5 * 24), 1e-15);
}

// scipy.stats.spearmanr([0, 1, 1, 3, 4, 4], [0.1, 0.3, 0.2, 0.2, 0.9, 0.5])
TEST(Spearman, SharesRanksAmongTies) {
  EXPECT_NEAR(of({0, 1, 1, 3, 4, 4}, {0.1, 0.3, 0.2, 0.2, 0.9, 0.5}), 0.8508410434878082, 1e-12);
}

TEST(Spearman, IsUndefinedWithoutOrder) {
  EXPECT_TRUE(std::isnan(of({}, {})));
  EXPECT_TRUE(std::isnan(of({1}, {2})));
  EXPECT_TRUE(std::isnan(of({1, 1, 1}, {1, 2, 3})));
  EXPECT_THROW(of({1, 2}, {1}), Error);
}

}  // namespace
}  // namespace lodestone
