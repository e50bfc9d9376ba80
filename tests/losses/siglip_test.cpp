#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

TEST(SigLip, EveryPairOnceOverTheBatch) {
  const auto sigmoid_loss = [](double scale, double bias) {
    return [=](const Pairs& x) {
      double sum = 0;
      for (int i = 0; i < x.C; ++i)
        for (int j = 0; j < x.C; ++j) {
          const double v = scale * x.s(i, j) + bias;
          sum += x.pos(i, j) * std::log1p(std::exp(-v)) + x.neg(i, j) * std::log1p(std::exp(v));
        }
      return sum / x.C;
    };
  };
  expect_loss("siglip", "", sigmoid_loss(10, -10));
  expect_loss("siglip", "temperature: 0.25, bias: -1.5", sigmoid_loss(4, -1.5));
  expect_loss("siglip", "learn_temperature: false, learn_bias: false, bias: 2", sigmoid_loss(10, 2));
}

}  // namespace
}  // namespace lodestone::testing
