#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_multi_similarity(const std::string& settings, double alpha, double beta, double base) {
  expect_loss("multi_similarity", settings, [&](const Pairs& x) {
    double sum = 0, anchors = 0;
    for (int i = 0; i < x.A; ++i) {
      double far = 0, near = 0, pairs = 0;
      for (int k = 0; k < x.C; ++k) {
        far += x.pos(i, k) * std::exp(-alpha * (x.s(i, k) - base));
        near += x.neg(i, k) * std::exp(beta * (x.s(i, k) - base));
        pairs += x.pos(i, k) + x.neg(i, k);
      }
      sum += std::log1p(far) / alpha + std::log1p(near) / beta;
      anchors += pairs > 0;
    }
    return mean(sum, anchors);
  });
}

TEST(MultiSimilarity, SoftMaximaOfBothKinds) {
  expect_multi_similarity("", 2, 50, 0.5);
  expect_multi_similarity("alpha: 3, beta: 20, base: 0.2", 3, 20, 0.2);
}

}  // namespace
}  // namespace lodestone::testing
