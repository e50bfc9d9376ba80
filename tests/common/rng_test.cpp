#include "common/rng.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(Philox, MatchesThePublishedVectors) {
  // Random123's known-answer tests for philox4x32-10.
  using Counter = std::array<uint32_t, 4>;
  EXPECT_EQ(Random::philox({0, 0, 0, 0}, {0, 0}), (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Random::philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Random::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, IsAFunctionOfItsKeyAlone) {
  Random a(7, Purpose::kAugment, 3, 4);
  Random b(7, Purpose::kAugment, 3, 4);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.bits(), b.bits());
}

TEST(Random, NoTwoKeysShareAStream) {
  std::set<uint64_t> firsts;
  for (uint64_t seed = 0; seed < 8; ++seed)
    for (const auto purpose : {Purpose::kInit, Purpose::kShuffle, Purpose::kAugment})
      for (uint64_t a = 0; a < 8; ++a)
        for (uint64_t b = 0; b < 8; ++b) {
          Random random(seed, purpose, a, b);
          const uint64_t high = random.bits();
          firsts.insert(high << 32 | random.bits());
        }
  EXPECT_EQ(firsts.size(), 8u * 3 * 8 * 8);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random(1, Purpose::kNoise);
  constexpr int kDraws = 200000;
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += u * u;
    const double n = random.normal();
    normal_sum += n;
    normal_squares += n * n;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 0.005);
  EXPECT_NEAR(normal_sum / kDraws, 0, 0.01);
  EXPECT_NEAR(normal_squares / kDraws, 1, 0.02);
}

TEST(Random, BelowIsUnbiasedAndPermutationHoldsEachOnce) {
  Random random(2, Purpose::kShuffle);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) ++counts[random.below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
  auto order = random.permutation(1000);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace lodestone
