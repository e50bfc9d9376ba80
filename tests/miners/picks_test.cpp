// Miners that pick by distance alone, each against a double loop that follows its definition.
#include <functional>

#include <gtest/gtest.h>

#include "miners/batch.h"

namespace lodestone::testing {
namespace {

using Definition = std::function<std::vector<Triplet>(const PairTable&)>;

// Distances are exact in both types, so that the picks must be the same ones. The tile sides cut the batch
// anyhow.
void expect_picks(const std::string& name, const std::string& settings, const Definition& definition) {
  const Made<TripletMiner> miner(name, settings);
  for (uint64_t seed = 1; seed < 6; ++seed)
    for (const double step : {0x1p-2, 0x1p-12}) {
      const PairTable x = random_pairs(25, step, seed);
      for (const at::ScalarType type : {at::kFloat, at::kDouble})
        for (const int64_t side : {4, 25})
          EXPECT_EQ(picks(*miner, x, type, side), definition(x))
              << name << ", step " << step << ", seed " << seed;
    }
}

/// The nearest negative of a, of those for which `allowed(distance)`; -1 without one.
int64_t nearest(const PairTable& x, int64_t a, const std::function<bool(double)>& allowed) {
  int64_t best = -1;
  for (int64_t n = 0; n < x.B; ++n)
    if (x.neg(a, n) && allowed(x.d(a, n)) && (best < 0 || x.d(a, n) < x.d(a, best))) best = n;
  return best;
}

bool any(double) {
  return true;
}

TEST(Picks, BatchHard) {
  expect_picks("batch_hard", "", [](const PairTable& x) {
    std::vector<Triplet> all;
    for (int64_t a = 0; a < x.B; ++a) {
      Triplet t{a, -1, nearest(x, a, any)};
      for (int64_t p = 0; p < x.B; ++p)
        if (x.pos(a, p) && (t.p < 0 || x.d(a, p) > x.d(a, t.p))) t.p = p;
      if (t.p >= 0 && t.n >= 0) all.push_back(t);
    }
    return all;
  });
}

TEST(Picks, SemiHard) {
  // 0.25 is a multiple of both steps: a negative at exactly d(a,p) + margin is out, as is one at exactly
  // d(a,p).
  for (const double margin : {0.2, 0.25, 1.0})
    expect_picks("semi_hard", "margin: " + std::to_string(margin), [&](const PairTable& x) {
      std::vector<Triplet> all;
      for (int64_t a = 0; a < x.B; ++a)
        for (int64_t p = 0; p < x.B; ++p) {
          if (!x.pos(a, p)) continue;
          const double near = x.d(a, p);
          const int64_t n = nearest(x, a, [&](double d) { return d > near && d < near + margin; });
          if (n >= 0) all.push_back({a, p, n});
        }
      return all;
    });
}

TEST(Picks, EasyPositive) {
  for (const bool hard : {false, true})
    expect_picks("easy_positive", hard ? "negative: hard" : "", [&](const PairTable& x) {
      std::vector<Triplet> all;
      for (int64_t a = 0; a < x.B; ++a) {
        int64_t p = -1;
        for (int64_t j = 0; j < x.B; ++j)
          if (x.pos(a, j) && (p < 0 || x.d(a, j) < x.d(a, p))) p = j;
        if (p < 0) continue;
        const double near = x.d(a, p);
        const int64_t n = nearest(x, a, [&](double d) { return hard || d > near; });
        if (n >= 0) all.push_back({a, p, n});
      }
      return all;
    });
}

// Negated similarities are distances below 0.
TEST(Picks, DistancesMayBeNegative) {
  PairTable x(4);
  x.is(0, 1) = PairTable::kPositive;
  x.d(0, 1) = -0.75;
  x.is(0, 2) = x.is(0, 3) = PairTable::kNegative;
  x.d(0, 2) = -0.875;
  x.d(0, 3) = -0.625;
  const std::vector<Triplet> hard = {{0, 1, 2}}, farther = {{0, 1, 3}};
  EXPECT_EQ(picks(*Made<TripletMiner>("batch_hard"), x, at::kFloat, 4), hard);
  EXPECT_EQ(picks(*Made<TripletMiner>("semi_hard"), x, at::kFloat, 4), farther);
  EXPECT_EQ(picks(*Made<TripletMiner>("easy_positive"), x, at::kFloat, 4), farther);
  EXPECT_EQ(picks(*Made<TripletMiner>("easy_positive", "negative: hard"), x, at::kFloat, 4), hard);
}

TEST(Picks, EveryMinerBearsABatchWithoutPositivesOrNegatives) {
  for (const auto& row : miner_table()) {
    const std::unique_ptr<Miner> miner = row.make();
    const auto* triplets = dynamic_cast<const TripletMiner*>(miner.get());
    if (!triplets) continue;
    for (const auto kind : {PairTable::kNeither, PairTable::kPositive, PairTable::kNegative}) {
      PairTable x(5);
      for (int64_t i = 0; i < 5; ++i)
        for (int64_t j = 0; j < 5; ++j)
          if (i != j) x.is(i, j) = kind;
      EXPECT_TRUE(picks(*triplets, x, at::kFloat, 5).empty()) << row.name;
    }
  }
}

TEST(Picks, OnlyDistanceWeightedNeedsTheUnitSphere) {
  for (const auto& row : miner_table()) {
    const std::unique_ptr<Miner> miner = row.make();
    const auto* triplets = dynamic_cast<const TripletMiner*>(miner.get());
    const bool needs = triplets && triplets->needs_unit_l2();
    EXPECT_EQ(needs, row.name == std::string("distance_weighted")) << row.name;
  }
}

}  // namespace
}  // namespace lodestone::testing
