#include "trainer/negatives/measure.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "support/batches.h"

namespace lodestone::testing {
namespace {

TEST(MeasureTile, NearDuplicatesKeepTheirDigits) {
  // Rows a millionth apart: the expansion |u|² + |v|² - 2uv has no digit of their distance in float32.
  const at::Tensor u = random_rows(6, 32, 1).to(at::kFloat);
  const at::Tensor v = u + 1e-6 * random_rows(6, 32, 2).to(at::kFloat);
  const at::Tensor got = measure_tile(Measure::kL2, u, v).diagonal();
  const at::Tensor expected = (u.to(at::kDouble) - v.to(at::kDouble)).square().sum(1).sqrt();
  EXPECT_LE(max_relative_error(got.to(at::kDouble), expected), 1e-5);
}

TEST(MeasureTile, EqualRowsAreAtDistanceZeroExactly) {
  const at::Tensor u = random_rows(5, 7, 3).to(at::kFloat);
  EXPECT_EQ(measure_tile(Measure::kL2, u, u).diagonal().abs().max().item<float>(), 0);
}

TEST(AddTileGradient, IsZeroAtDistanceZero) {
  const at::Tensor u = random_rows(3, 4, 4);
  at::Tensor gradient = at::zeros({3, 4}, at::kDouble);
  const at::Tensor value = measure_tile(Measure::kL2, u, u);
  const at::Tensor weight = at::zeros({3, 3}, at::kDouble);
  weight.diagonal().fill_(5);
  add_tile_gradient(Measure::kL2, weight, value, u, u, gradient);
  EXPECT_EQ(gradient.abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace lodestone::testing
