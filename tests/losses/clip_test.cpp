#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

// Mean over the positive pairs of the anchors of one tower, the first of which is `first`.
double side(const Pairs& x, int first, double scale) {
  double sum = 0, pairs = 0;
  for (int i = 0; i < x.C; ++i)
    for (int p = 0; p < x.C; ++p) {
      if (x.pos(first + i, p) == 0) continue;
      double denominator = std::exp(scale * x.s(first + i, p));
      for (int j = 0; j < x.C; ++j)
        if (x.neg(first + i, j) > 0) denominator += std::exp(scale * x.s(first + i, j));
      sum -= std::log(std::exp(scale * x.s(first + i, p)) / denominator);
      ++pairs;
    }
  return mean(sum, pairs);
}

TEST(Clip, HalfFromEachSide) {
  const auto both = [](double scale) {
    return [scale](const Pairs& x) { return 0.5 * side(x, 0, scale) + 0.5 * side(x, x.C, scale); };
  };
  expect_loss("clip", "", both(1 / 0.07));
  expect_loss("clip", "temperature: 0.2, learn_temperature: false", both(5));
}

}  // namespace
}  // namespace lodestone::testing
