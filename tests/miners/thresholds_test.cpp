// Multi-similarity mining against its definition, in the similarities s = -d of the paper.
#include <gtest/gtest.h>

#include "miners/batch.h"

namespace lodestone::testing {
namespace {

TEST(Thresholds, MultiSimilarity) {
  const double epsilon = 0.25;
  const Made<PairMiner> miner("multi_similarity", "epsilon: 0.25");
  for (const double step : {0x1p-2, 0x1p-12}) {
    const PairTable x = random_pairs(25, step, 9);
    for (int64_t a = 0; a < x.B; ++a) {
      double least_positive = kInfinity, most_negative = -kInfinity;  // similarities
      for (int64_t j = 0; j < x.B; ++j) {
        if (x.pos(a, j)) least_positive = std::min(least_positive, -x.d(a, j));
        if (x.neg(a, j)) most_negative = std::max(most_negative, -x.d(a, j));
      }
      const auto [negative_a, positive_a] = miner->thresholds(at::tensor({-least_positive}, at::kDouble),
                                                              at::tensor({-most_negative}, at::kDouble));
      for (int64_t j = 0; j < x.B; ++j) {
        const double s = -x.d(a, j);
        EXPECT_EQ(x.neg(a, j) && x.d(a, j) < negative_a.item<double>(),
                  x.neg(a, j) && s > least_positive - epsilon);
        EXPECT_EQ(x.pos(a, j) && x.d(a, j) > positive_a.item<double>(),
                  x.pos(a, j) && s < most_negative + epsilon);
      }
    }
  }
}

TEST(Thresholds, WithoutTheOtherKindNothingIsKept) {
  const Made<PairMiner> miner("multi_similarity");
  const auto [negative_a, positive_a] =
      miner->thresholds(at::tensor({-kInfinity}, at::kDouble), at::tensor({kInfinity}, at::kDouble));
  EXPECT_EQ(negative_a.item<double>(), -kInfinity);
  EXPECT_EQ(positive_a.item<double>(), kInfinity);
}

}  // namespace
}  // namespace lodestone::testing
