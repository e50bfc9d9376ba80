// Softmax over class proxies: arcface, cosface and normalized_softmax differ in the logit of the own class.
#include <numbers>

#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

// `own` gives the logit of the own class, divided by the scale, from its cosine.
void expect_softmax(const std::string& loss, const std::string& settings, double scale,
                    const std::function<double(double)>& own) {
  expect_loss(loss, settings, [&](const Pairs& x) {
    double sum = 0, anchors = 0;
    for (int a = 0; a < x.A; ++a)
      for (int y = 0; y < x.C; ++y) {
        if (x.pos(a, y) == 0) continue;
        const double logit = scale * own(x.s(a, y));
        double denominator = std::exp(logit);
        for (int z = 0; z < x.C; ++z)  // ≠ y
          denominator += x.neg(a, z) * std::exp(scale * x.s(a, z));
        sum += std::log(denominator) - logit;
        ++anchors;
      }
    return mean(sum, anchors);
  });
}

double turned(double cosine, double margin) {
  const double angle = std::acos(cosine);
  return angle + margin <= std::numbers::pi ? std::cos(angle + margin) : cosine - margin * std::sin(margin);
}

TEST(ArcFace, MarginOnTheAngle) {
  expect_softmax("arcface", "", 64, [](double s) { return turned(s, 0.5); });
  expect_softmax("arcface", "scale: 12, margin: 1.4", 12, [](double s) { return turned(s, 1.4); });
}

TEST(CosFace, MarginOnTheCosine) {
  expect_softmax("cosface", "", 64, [](double s) { return s - 0.35; });
  expect_softmax("cosface", "scale: 20, margin: 0.1", 20, [](double s) { return s - 0.1; });
}

TEST(NormalizedSoftmax, Temperature) {
  expect_softmax("normalized_softmax", "", 20, [](double s) { return s; });
  expect_softmax("normalized_softmax", "temperature: 0.5, learn_temperature: true", 2,
                 [](double s) { return s; });
}

}  // namespace
}  // namespace lodestone::testing
