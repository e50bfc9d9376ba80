#include <algorithm>

#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

struct Settings {
  bool soft = false, squared = false, swap = false, active = true;
};

double triplet(const Pairs& x, const Settings& settings) {
  const auto d = [&](int i, int j) { return settings.squared ? x.d(i, j) * x.d(i, j) : x.d(i, j); };
  double sum = 0, count = 0;
  for (int a = 0; a < x.A; ++a)
    for (int p = 0; p < x.C; ++p)
      for (int n = 0; n < x.C; ++n) {
        const double often = x.pos(a, p) * x.neg(a, n);
        const double gap = d(a, p) - (settings.swap ? std::min(d(a, n), d(p, n)) : d(a, n));
        const double loss = settings.soft ? std::log1p(std::exp(gap)) : std::max(0.0, 0.4 + gap);
        sum += often * loss;
        count += often * (!settings.active || loss > 0);
      }
  return mean(sum, count);
}

TEST(Triplet, OverAll) {
  const auto word = [](bool set) { return set ? "true" : "false"; };
  for (const bool soft : {false, true})
    for (const bool squared : {false, true})
      for (const bool swap : {false, true})
        for (const bool active : {false, true}) {
          const std::string settings = std::string(soft ? "" : "margin: 0.4, ") +
                                       "soft_margin: " + word(soft) + ", swap: " + word(swap) +
                                       ", distance: " + (squared ? "squared_l2" : "l2") +
                                       ", reduction: " + (active ? "active" : "all");
          expect_loss("triplet", settings, [&](const Pairs& x) {
            return triplet(x, {soft, squared, swap, active});
          });
        }
}

}  // namespace
}  // namespace lodestone::testing
