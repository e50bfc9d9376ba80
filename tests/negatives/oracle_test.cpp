// What miners pick, and losses over it, against double loops written without tensors.
#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "support/batches.h"
#include "support/objectives.h"
#include "support/plain.h"

namespace lodestone::testing {
namespace {

void expect_loss(const Case& c, const std::function<double(const Plain&)>& oracle) {
  const MadeCase made(c);
  for (uint64_t seed = 31; seed < 34; ++seed) {
    const LocalRows batch = random_batch(19, 4, seed);
    const double expected = oracle(Plain(batch));
    EXPECT_NEAR(global_batch_loss(distributed::single_group(), batch, made.objective()).loss, expected,
                1e-12 * expected)
        << c;
  }
}

// The tuples a miner must pick, from its definition.
struct Triplet {
  int a, p, n;
};

std::vector<Triplet> batch_hard(const Plain& x) {
  std::vector<Triplet> all;
  for (int a = 0; a < x.B; ++a) {
    Triplet t{a, -1, -1};
    for (int j = 0; j < x.B; ++j) {
      if (x.pos(a, j) && (t.p < 0 || x.d(a, j) > x.d(a, t.p))) t.p = j;
      if (x.neg(a, j) && (t.n < 0 || x.d(a, j) < x.d(a, t.n))) t.n = j;
    }
    if (t.p >= 0 && t.n >= 0) all.push_back(t);
  }
  return all;
}

std::vector<Triplet> semi_hard(const Plain& x) {
  std::vector<Triplet> all;
  for (int a = 0; a < x.B; ++a)
    for (int p = 0; p < x.B; ++p) {
      if (!x.pos(a, p)) continue;
      int best = -1;
      for (int n = 0; n < x.B; ++n)
        if (x.neg(a, n) && x.d(a, n) > x.d(a, p) && x.d(a, n) < x.d(a, p) + 0.2 &&
            (best < 0 || x.d(a, n) < x.d(a, best)))
          best = n;
      if (best >= 0) all.push_back({a, p, best});
    }
  return all;
}

TEST(Oracle, TripletWithMiners) {
  for (const std::string miner : {"batch_hard", "semi_hard"})
    for (const bool swap : {false, true})
      expect_loss({"triplet", std::string("margin: 0.5, swap: ") + (swap ? "true" : "false"), miner},
                  [&](const Plain& x) {
                    double sum = 0, count = 0;
                    for (const auto& [a, p, n] : miner == "batch_hard" ? batch_hard(x) : semi_hard(x)) {
                      const double far = swap ? std::min(x.d(a, n), x.d(p, n)) : x.d(a, n);
                      const double loss = std::max(0.0, 0.5 + x.d(a, p) - far);
                      sum += loss;
                      count += loss > 0;
                    }
                    return mean(sum, count);
                  });
}

TEST(Oracle, ContrastiveWithMiners) {
  for (const std::string miner : {"batch_hard", "semi_hard"})
    expect_loss({"contrastive", "", miner}, [&](const Plain& x) {
      double pull = 0, push = 0, pulls = 0, pushes = 0;
      for (const auto& [a, p, n] : miner == "batch_hard" ? batch_hard(x) : semi_hard(x)) {
        pull += x.d(a, p);
        pulls += x.d(a, p) > 0;
        push += std::max(0.0, 1 - x.d(a, n));
        pushes += x.d(a, n) < 1;
      }
      return mean(pull, pulls) + mean(push, pushes);
    });
}

}  // namespace
}  // namespace lodestone::testing
