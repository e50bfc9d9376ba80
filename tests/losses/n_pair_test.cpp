#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

TEST(NPair, LogOfOnePlusDifferences) {
  expect_loss("n_pair", "", [](const Pairs& x) {
    double sum = 0, pairs = 0;
    for (int a = 0; a < x.A; ++a)
      for (int p = 0; p < x.C; ++p) {
        double inner = 0;
        for (int n = 0; n < x.C; ++n) inner += x.neg(a, n) * std::exp(x.s(a, n) - x.s(a, p));
        sum += x.pos(a, p) * std::log(1 + inner);
        pairs += x.pos(a, p);
      }
    return mean(sum, pairs);
  });
}

}  // namespace
}  // namespace lodestone::testing
