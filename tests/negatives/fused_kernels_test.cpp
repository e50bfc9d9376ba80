// One loop over a tile against the same in ATen, for widths that fill vectors and that don't.
#include "trainer/negatives/kernels/fused_kernels.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "support/batches.h"
#include "trainer/losses/log1p_exp.h"

namespace lodestone::testing {
using namespace losses;
using namespace negatives;
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class FusedKernels : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  at::Tensor tile(int64_t rows, int64_t references, uint64_t seed) const {
    return random_rows(rows, references, seed).to(GetParam());
  }
  void expect_close(const at::Tensor& got, const at::Tensor& expected) const {
    EXPECT_LE(max_relative_error(got.to(at::kDouble), expected.to(at::kDouble)),
              GetParam() == at::kDouble ? 1e-14 : 1e-6);
  }
};

TEST_P(FusedKernels, ExponentialsAndTheirSums) {
  for (const auto& [rows, references] : {std::pair<int64_t, int64_t>{1, 1}, {3, 16}, {70, 37}, {33, 129}}) {
    at::Tensor x = tile(rows, references, 1);
    x[0][0] = -kInfinity;  // a pair that is left out
    const at::Tensor expected = at::exp(2 * x.to(at::kDouble) - 3);
    TileSums sums{at::ones({rows}, at::kDouble), at::zeros({references}, at::kDouble)};
    exponentials(x, 2, -3, x, sums);
    EXPECT_EQ(x[0][0].item<double>(), 0);
    expect_close(x, expected);
    expect_close(sums.row_r, expected.sum(1) + 1);
    expect_close(sums.reference_c, expected.sum(0));
  }
}

TEST_P(FusedKernels, WeightsOfEitherSideOrBoth) {
  const at::Tensor x = tile(19, 45, 2), row = tile(1, 19, 3)[0], reference = tile(1, 45, 4)[0];
  for (const auto& [factors, both] : {std::pair{TileFactors{row, reference}, row.unsqueeze(1) + reference},
                                      {TileFactors{row, {}}, row.unsqueeze(1)},
                                      {TileFactors{{}, reference}, reference.unsqueeze(0)}}) {
    at::Tensor out = tile(19, 45, 5);
    const at::Tensor plain = both * x, exponential = both * at::exp(-x + 0.5);
    EXPECT_NEAR(weigh(x, factors, out, true), plain.sum().item<double>(), 1e-3);
    expect_close(out, plain);
    EXPECT_NEAR(weighed_exponentials(x, -1, 0.5, factors, out, true), exponential.sum().item<double>(), 1e-3);
    expect_close(out, exponential);
  }
}

TEST_P(FusedKernels, SumsAndCountsOfWhatIsAboveZero) {
  const at::Tensor x = tile(40, 21, 6);
  TileSums sums{at::zeros({40}, at::kDouble), at::zeros({21}, at::kDouble)},
      counts{at::zeros({40}, at::kDouble), at::zeros({21}, at::kDouble)};
  add_sums(x, sums, counts);
  expect_close(sums.row_r, x.to(at::kDouble).sum(1));
  expect_close(sums.reference_c, x.to(at::kDouble).sum(0));
  expect_close(counts.row_r, (x > 0).sum(1));
  expect_close(counts.reference_c, (x > 0).sum(0));
}

TEST_P(FusedKernels, DistancesReportSmallOnes) {
  const at::Tensor row = tile(1, 5, 7)[0].abs() + 1, reference = tile(1, 18, 8)[0].abs() + 1;
  for (const bool root : {false, true})
    for (const bool any : {false, true}) {
      at::Tensor x = at::zeros({5, 18}, row.options());
      if (any) x[4][17] = -100;
      at::Tensor expected = (x + row.unsqueeze(1) + reference).clamp_min(0);
      EXPECT_EQ(finish_distances(x, {row, reference}, 1e-3, root), any);
      expect_close(x, root ? expected.sqrt() : expected);
    }
}

TEST_P(FusedKernels, SoftplusAndSigmoidOverTheirWholeRange) {
  const at::Tensor value = (at::arange(-4000, 4001, at::kDouble) / 40).to(GetParam());
  at::Tensor soft = value.clone(), slope = at::ones({8001}, value.options());
  log1p_exp_(soft);
  multiply_sigmoid_(value, slope);
  const at::Tensor wide = value.to(at::kDouble);
  const at::Tensor expected = at::softplus(wide, 1, kLinearFrom);
  // Relative to each value, but for those near the smallest float32, which become 0.
  const double tolerance = GetParam() == at::kDouble ? 1e-14 : 5e-7, least = 1e-31;
  EXPECT_LE(((soft - expected).abs() / (expected + least)).max().item<double>(), tolerance);
  EXPECT_LE(((slope - at::sigmoid(wide)).abs() / (at::sigmoid(wide) + least)).max().item<double>(),
            tolerance);
}

TEST_P(FusedKernels, WhatIsNotANumberStaysSo) {
  at::Tensor x = at::zeros({1, 40}, at::TensorOptions().dtype(GetParam()));
  x[0][7] = std::numeric_limits<double>::quiet_NaN();
  x[0][8] = kInfinity;
  at::Tensor soft = x.clone();
  exponentials(x, 1, 0, x, {});
  log1p_exp_(soft);
  for (const at::Tensor& y : {x, soft}) {
    EXPECT_TRUE(std::isnan(y[0][7].item<double>()));
    EXPECT_EQ(y[0][8].item<double>(), kInfinity);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, FusedKernels, ::testing::Values(at::kFloat, at::kDouble));

}  // namespace
}  // namespace lodestone::testing
