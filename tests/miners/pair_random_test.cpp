// Are the numbers uniform, independent of the tile, and unrelated for related keys?
#include "trainer/miners/pair_random.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include "miners/batch.h"

namespace lodestone::testing {
using namespace miners;
namespace {

/// The keys of the same anchors in another choice.
at::Tensor choice(const at::Tensor& anchor_r, int64_t n) {
  return anchor_r + n * (int64_t{1} << 40);
}

// Keys one apart, and keys hashed as the engine's are.
at::Tensor counted(int64_t n, int64_t first) {
  return at::arange(first, first + n, at::kLong);
}

at::Tensor hashed(int64_t n, uint64_t seed) {
  Random random(seed, Purpose::kTrials);
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < n; ++i)
    keys.push_back(static_cast<int64_t>((uint64_t{random.bits()} << 32) | random.bits()));
  return at::tensor(keys, at::kLong);
}

struct Keys {
  at::Tensor anchor_r, reference_c;
};

std::vector<Keys> key_sets(int64_t rows, int64_t references) {
  return {{counted(rows, 0), counted(references, 0)},
          {counted(rows, 1 << 20) * (int64_t{1} << 40), counted(references, -5)},
          {hashed(rows, 1), hashed(references, 2)}};
}

/// How many standard deviations a sum of squares lies from its mean, for uniform numbers in `bins` bins.
double chi_square_z(const at::Tensor& u_n, int64_t bins) {
  const at::Tensor plain_n = u_n.to(at::kDouble).contiguous().view(-1);
  std::vector<double> count(PairTable::size(bins));
  for (int64_t k = 0; k < plain_n.numel(); ++k)
    ++count[static_cast<size_t>(plain_n.const_data_ptr<double>()[k] * static_cast<double>(bins))];
  const double expected = static_cast<double>(plain_n.numel()) / static_cast<double>(bins);
  double sum = 0;
  for (const double n : count) sum += (n - expected) * (n - expected) / expected;
  const double freedom = static_cast<double>(bins - 1);
  return (sum - freedom) / std::sqrt(2 * freedom);
}

/// The mean of numbers of mean 0 and variance `variance`, in standard deviations of the mean.
double mean_z(const at::Tensor& x, double variance) {
  return x.to(at::kDouble).mean().item<double>() * std::sqrt(static_cast<double>(x.numel()) / variance);
}

TEST(PairRandom, DependsOnKeysAndSlotAlone) {
  const Keys keys = key_sets(37, 53)[2];
  const at::Tensor whole_rc = pair_uniform(choice(keys.anchor_r, 3), keys.reference_c);
  EXPECT_GT(whole_rc.min().item<float>(), 0.0F);
  EXPECT_LT(whole_rc.max().item<float>(), 1.0F);
  const at::Tensor turned_rc =
      pair_uniform(choice(keys.anchor_r.narrow(0, 5, 9), 3), keys.reference_c.narrow(0, 11, 30).flip(0));
  EXPECT_TRUE(turned_rc.flip(1).equal(whole_rc.narrow(0, 5, 9).narrow(1, 11, 30)));
  EXPECT_FALSE(pair_uniform(choice(keys.anchor_r, 4), keys.reference_c).equal(whole_rc));
}

// The limits are five standard deviations; the keys are fixed, so that the test passes always or never.
TEST(PairRandom, IsUniformOverTilesRowsColumnsAndSlots) {
  for (const Keys& keys : key_sets(512, 512)) {
    const at::Tensor u_rc = pair_uniform(choice(keys.anchor_r, 0), keys.reference_c);
    for (const int64_t bins : {2, 16, 1000, 8192}) EXPECT_LT(std::abs(chi_square_z(u_rc, bins)), 5) << bins;
    double rows = 0, columns = 0, slots = 0;
    for (int64_t k = 0; k < 512; ++k) {
      rows += chi_square_z(u_rc.select(0, k), 16);
      columns += chi_square_z(u_rc.select(1, k), 16);
    }
    std::vector<at::Tensor> over_slots;
    for (int64_t slot = 0; slot < 512; ++slot)
      over_slots.push_back(
          pair_uniform(choice(keys.anchor_r.narrow(0, 0, 8), slot), keys.reference_c.narrow(0, 0, 8))
              .view(-1));
    const at::Tensor u_sk = at::stack(over_slots);
    for (int64_t k = 0; k < 64; ++k) slots += chi_square_z(u_sk.select(1, k), 16);
    EXPECT_LT(std::abs(rows) / std::sqrt(512), 5);
    EXPECT_LT(std::abs(columns) / std::sqrt(512), 5);
    EXPECT_LT(std::abs(slots) / std::sqrt(64), 5);
  }
}

// Numbers near 0 are what picks: they must be as uniform as the rest.
TEST(PairRandom, IsUniformNearZero) {
  const Keys keys = key_sets(2048, 2048)[2];
  const at::Tensor u_n = pair_uniform(choice(keys.anchor_r, 0), keys.reference_c).view(-1);
  const double share = 0x1p-10;
  const at::Tensor small_n = u_n.masked_select(u_n < share);
  const double expected = static_cast<double>(u_n.numel()) * share;
  EXPECT_LT(std::abs(static_cast<double>(small_n.numel()) - expected), 5 * std::sqrt(expected));
  EXPECT_LT(std::abs(chi_square_z(small_n / share, 64)), 5);
}

TEST(PairRandom, NeighboursAreUnrelated) {
  for (const Keys& keys : key_sets(512, 512)) {
    const at::Tensor x_rc = pair_uniform(choice(keys.anchor_r, 0), keys.reference_c) - 0.5;
    const at::Tensor next_slot_rc = pair_uniform(choice(keys.anchor_r, 1), keys.reference_c) - 0.5;
    const double variance = 1.0 / 12;
    for (const int64_t gap : {1, 2, 3, 16, 256}) {
      const at::Tensor below_rc = x_rc.narrow(0, gap, 512 - gap), above_rc = x_rc.narrow(0, 0, 512 - gap);
      EXPECT_LT(std::abs(mean_z(below_rc * above_rc, variance * variance)), 5) << gap;
      const at::Tensor aside_rc = x_rc.narrow(1, gap, 512 - gap) * x_rc.narrow(1, 0, 512 - gap);
      EXPECT_LT(std::abs(mean_z(aside_rc, variance * variance)), 5) << gap;
      // Four corners of a rectangle: related if the number were a product of one of the row and one of the
      // reference.
      const at::Tensor pair_rc = below_rc * above_rc;
      const at::Tensor corners_rc = pair_rc.narrow(1, gap, 512 - gap) * pair_rc.narrow(1, 0, 512 - gap);
      EXPECT_LT(std::abs(mean_z(corners_rc, std::pow(variance, 4))), 5) << gap;
    }
    EXPECT_LT(std::abs(mean_z(x_rc * next_slot_rc, variance * variance)), 5);
    // Each product but the diagonal's is there twice.
    EXPECT_LT(std::abs(mean_z(x_rc * x_rc.t(), variance * variance)), 7);
  }
}

// Two rows as points of a square: a lattice of few lines would show.
TEST(PairRandom, PairsOfRowsFillTheSquare) {
  for (const Keys& keys : key_sets(65, 16384)) {
    const at::Tensor u_rc = pair_uniform(choice(keys.anchor_r, 0), keys.reference_c).to(at::kDouble);
    double sum = 0;
    for (int64_t i = 0; i < 64; ++i) {
      const at::Tensor cell_c = (u_rc.select(0, i) * 32).floor() * 32 + (u_rc.select(0, i + 1) * 32).floor();
      const double z = chi_square_z((cell_c + 0.5) / 1024, 1024);
      EXPECT_LT(std::abs(z), 6) << i;
      sum += z;
    }
    EXPECT_LT(std::abs(sum) / 8, 5);
  }
}

}  // namespace
}  // namespace lodestone::testing
