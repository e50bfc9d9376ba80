// The oracles against what a loss says itself: its reference, and its functions put together.
#include <gtest/gtest.h>

#include "losses/dense.h"
#include "losses/made_loss.h"
#include "losses/random_pairs.h"

namespace lodestone::testing {

void expect_loss(const std::string& loss, const std::string& settings, const Oracle& oracle) {
  const MadeLoss made(loss, settings);
  for (uint64_t seed = 1; seed < 6; ++seed) {
    const Pairs pairs = random_pairs(made->pairing(), seed);
    const Matrices m(pairs, *made);
    const double expected = oracle(pairs), most = 1e-12 * std::abs(expected);
    EXPECT_GT(std::abs(expected), 1e-6) << made << ": no loss to compare";
    EXPECT_NEAR(by_oracle(*made, m.value_ac, m.positive_ac, m.negative_ac).loss, expected, most) << made;
    if (const PairLoss* pair_loss = made.pair_loss()) {
      const Evaluated got = DensePairs(*pair_loss, m.value_ac, m.positive_ac, m.negative_ac).evaluate();
      EXPECT_NEAR(got.loss, expected, most) << made;
    }
  }
}

}  // namespace lodestone::testing
