#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_supcon(const std::string& settings, double temperature) {
  expect_loss("supcon", settings, [&](const Pairs& x) {
    double sum = 0, anchors = 0;
    for (int i = 0; i < x.A; ++i) {
      double denominator = 0, positives = 0, inner = 0;
      for (int j = 0; j < x.C; ++j)
        denominator += (x.pos(i, j) + x.neg(i, j)) * std::exp(x.s(i, j) / temperature);
      for (int p = 0; p < x.C; ++p) {
        if (x.pos(i, p) == 0) continue;
        inner += x.pos(i, p) * std::log(std::exp(x.s(i, p) / temperature) / denominator);
        positives += x.pos(i, p);
      }
      if (positives > 0) {
        sum -= inner / positives;
        ++anchors;
      }
    }
    return mean(sum, anchors);
  });
}

TEST(SupCon, MeanOutsideTheLogarithm) {
  expect_supcon("", 0.1);
  expect_supcon("temperature: 0.02", 0.02);
  expect_supcon("temperature: 0.7, learn_temperature: true", 0.7);
}

}  // namespace
}  // namespace lodestone::testing
