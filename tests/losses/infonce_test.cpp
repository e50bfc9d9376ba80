#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_infonce(const std::string& loss, const std::string& settings, double temperature) {
  expect_loss(loss, settings, [&](const Pairs& x) {
    double sum = 0, pairs = 0;
    for (int a = 0; a < x.A; ++a) {
      double negatives = 0;
      for (int n = 0; n < x.C; ++n) negatives += x.neg(a, n) * std::exp(x.s(a, n) / temperature);
      for (int p = 0; p < x.C; ++p) {
        const double positive = std::exp(x.s(a, p) / temperature);
        sum -= x.pos(a, p) * std::log(positive / (positive + negatives));
        pairs += x.pos(a, p);
      }
    }
    return mean(sum, pairs);
  });
}

TEST(InfoNce, EachPositiveAgainstTheNegatives) {
  expect_infonce("infonce", "", 0.07);
  expect_infonce("infonce", "temperature: 0.5", 0.5);
  expect_infonce("infonce", "temperature: 0.05, learn_temperature: true", 0.05);
}

}  // namespace
}  // namespace lodestone::testing
