#include <algorithm>

#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_margin(const std::string& settings, double alpha, double beta, bool active) {
  expect_loss("margin", settings, [&](const Pairs& x) {
    double sum = 0, pairs = 0;
    for (int i = 0; i < x.A; ++i)
      for (int j = 0; j < x.C; ++j) {
        const double far = std::max(0.0, alpha + (x.d(i, j) - beta)),
                     near = std::max(0.0, alpha - (x.d(i, j) - beta));
        sum += x.pos(i, j) * far + x.neg(i, j) * near;
        pairs += x.pos(i, j) * (!active || far > 0) + x.neg(i, j) * (!active || near > 0);
      }
    return mean(sum, pairs);
  });
}

TEST(Margin, EveryPairOnItsSide) {
  expect_margin("", 0.2, 1.2, true);
  expect_margin("margin: 0.1, beta: 0.9", 0.1, 0.9, true);
  expect_margin("margin: 0.3, beta: 1.4, learn_beta: false, reduction: all", 0.3, 1.4, false);
}

}  // namespace
}  // namespace lodestone::testing
