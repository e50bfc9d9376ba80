#include <algorithm>

#include <gtest/gtest.h>

#include "losses/pairs.h"

namespace lodestone::testing {
namespace {

double power(double x, bool squared) {
  return squared ? x * x : x;
}

TEST(Contrastive, Distances) {
  for (const bool squared : {false, true})
    for (const bool active : {false, true}) {
      const std::string settings = std::string("margin: 1.3, positive_margin: 0.4, squared: ") +
                                   (squared ? "true" : "false") +
                                   ", reduction: " + (active ? "active" : "all");
      expect_loss("contrastive", settings, [&](const Pairs& x) {
        double pull = 0, push = 0, pulls = 0, pushes = 0;
        for (int i = 0; i < x.A; ++i)
          for (int j = 0; j < x.C; ++j) {
            const double far = std::max(0.0, x.d(i, j) - 0.4), near = std::max(0.0, 1.3 - x.d(i, j));
            pull += x.pos(i, j) * power(far, squared);
            pulls += x.pos(i, j) * (!active || far > 0);
            push += x.neg(i, j) * power(near, squared);
            pushes += x.neg(i, j) * (!active || near > 0);
          }
        return mean(pull, pulls) + mean(push, pushes);
      });
    }
}

TEST(Contrastive, Defaults) {
  expect_loss("contrastive", "", [](const Pairs& x) {
    double pull = 0, push = 0, pulls = 0, pushes = 0;
    for (int i = 0; i < x.A; ++i)
      for (int j = 0; j < x.C; ++j) {
        pull += x.pos(i, j) * x.d(i, j);
        pulls += x.pos(i, j);
        if (x.d(i, j) >= 1) continue;
        push += x.neg(i, j) * (1 - x.d(i, j));
        pushes += x.neg(i, j);
      }
    return mean(pull, pulls) + mean(push, pushes);
  });
}

TEST(Contrastive, Cosine) {
  struct Margins {
    const char* settings;
    double margin, positive_margin;
  };
  for (const auto& [settings, margin, positive_margin] :
       {Margins{"", 0, 1}, Margins{", margin: 0.2, positive_margin: 0.7", 0.2, 0.7}})
    for (const bool squared : {false, true})
      expect_loss("contrastive",
                  std::string("distance: cosine, squared: ") + (squared ? "true" : "false") + settings,
                  [&, m = margin, p = positive_margin](const Pairs& x) {
                    double pull = 0, push = 0, pulls = 0, pushes = 0;
                    for (int i = 0; i < x.A; ++i)
                      for (int j = 0; j < x.C; ++j) {
                        const double far = std::max(0.0, p - x.s(i, j)), near = std::max(0.0, x.s(i, j) - m);
                        pull += x.pos(i, j) * power(far, squared);
                        pulls += x.pos(i, j) * (far > 0);
                        push += x.neg(i, j) * power(near, squared);
                        pushes += x.neg(i, j) * (near > 0);
                      }
                    return mean(pull, pulls) + mean(push, pushes);
                  });
}

}  // namespace
}  // namespace lodestone::testing
