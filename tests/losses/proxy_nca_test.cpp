#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

void expect_proxy_nca(const std::string& settings, double scale) {
  expect_loss("proxy_nca", settings, [&](const Pairs& x) {
    double sum = 0, anchors = 0;
    for (int a = 0; a < x.A; ++a)
      for (int y = 0; y < x.C; ++y) {
        if (x.pos(a, y) == 0) continue;
        double others = 0;
        for (int z = 0; z < x.C; ++z)  // ≠ y
          others += x.neg(a, z) * std::exp(-scale * x.d(a, z) * x.d(a, z));
        sum -= std::log(std::exp(-scale * x.d(a, y) * x.d(a, y)) / others);
        ++anchors;
      }
    return mean(sum, anchors);
  });
}

TEST(ProxyNca, OwnProxyAgainstTheOthers) {
  expect_proxy_nca("", 1);
  expect_proxy_nca("scale: 9", 9);
}

}  // namespace
}  // namespace lodestone::testing
