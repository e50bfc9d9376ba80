#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_proxy_anchor(const std::string& settings, double margin, double alpha) {
  expect_loss("proxy_anchor", settings, [&](const Pairs& x) {
    double pull = 0, push = 0, with_positives = 0;
    for (int w = 0; w < x.A; ++w) {
      double far = 0, near = 0;
      for (int j = 0; j < x.C; ++j) {
        far += x.pos(w, j) * std::exp(-alpha * (x.s(w, j) - margin));
        near += x.neg(w, j) * std::exp(alpha * (x.s(w, j) + margin));
      }
      pull += std::log1p(far);
      push += std::log1p(near);
      with_positives += far > 0;
    }
    return mean(pull, with_positives) + push / x.A;
  });
}

TEST(ProxyAnchor, PullOverProxiesWithPositivesPushOverAll) {
  expect_proxy_anchor("", 0.1, 32);
  expect_proxy_anchor("margin: 0.3, alpha: 5", 0.3, 5);
}

}  // namespace
}  // namespace lodestone::testing
