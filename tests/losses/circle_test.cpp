#include <algorithm>

#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_circle(const std::string& settings, double m, double gamma) {
  expect_loss("circle", settings, [&](const Pairs& x) {
    double sum = 0, anchors = 0;
    for (int i = 0; i < x.A; ++i) {
      double near = 0, far = 0;
      for (int j = 0; j < x.C; ++j) {
        const double s = x.s(i, j);
        near += x.neg(i, j) * std::exp(gamma * std::max(0.0, s + m) * (s - m));
        far += x.pos(i, j) * std::exp(-gamma * std::max(0.0, 1 + m - s) * (s - (1 - m)));
      }
      if (near == 0 || far == 0) continue;
      sum += std::log1p(near * far);
      ++anchors;
    }
    return mean(sum, anchors);
  });
}

TEST(Circle, NearTimesFar) {
  expect_circle("", 0.4, 80);
  expect_circle("margin: 0.25, gamma: 16", 0.25, 16);
}

}  // namespace
}  // namespace lodestone::testing
