#include <algorithm>

#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_lifted(const std::string& settings, double alpha) {
  expect_loss("lifted_structure", settings, [&](const Pairs& x) {
    double sum = 0, pairs = 0;
    for (int i = 0; i < x.A; ++i)
      for (int j = i + 1; j < x.C; ++j) {
        if (x.pos(i, j) == 0) continue;
        double negatives = 0;
        for (int k = 0; k < x.C; ++k)
          negatives += x.neg(i, k) * std::exp(alpha - x.d(i, k)) + x.neg(j, k) * std::exp(alpha - x.d(j, k));
        const double J = std::log(negatives) + x.d(i, j);
        sum += x.pos(i, j) * std::pow(std::max(0.0, J), 2);
        pairs += x.pos(i, j);
      }
    return mean(sum, 2 * pairs);
  });
}

TEST(LiftedStructure, EachPairOnceWithTheNegativesOfBothEnds) {
  expect_lifted("", 1);
  expect_lifted("margin: -1.5", -1.5);
}

}  // namespace
}  // namespace lodestone::testing
