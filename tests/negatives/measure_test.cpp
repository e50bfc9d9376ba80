#include "trainer/negatives/kernels/measure.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "support/batches.h"

namespace lodestone::testing {
using namespace losses;
using namespace negatives;
namespace {

at::Tensor tile_of(Measure measure, const at::Tensor& u, const at::Tensor& v) {
  at::Tensor out = at::empty({u.size(0), v.size(0)}, u.options());
  measure_tile(measure, u, v, out);
  return out;
}

TEST(MeasureTile, NearDuplicatesKeepTheirDigits) {
  // Rows a millionth apart: the expansion |u|² + |v|² - 2uv has no digit of their distance in float32.
  const at::Tensor u = random_rows(6, 32, 1).to(at::kFloat);
  const at::Tensor v = u + 1e-6 * random_rows(6, 32, 2).to(at::kFloat);
  const at::Tensor got = tile_of(Measure::kL2, u, v).diagonal();
  const at::Tensor expected = (u.to(at::kDouble) - v.to(at::kDouble)).square().sum(1).sqrt();
  EXPECT_LE(max_relative_error(got.to(at::kDouble), expected), 1e-5);
}

TEST(MeasureTile, EqualRowsAreAtDistanceZeroExactly) {
  const at::Tensor u = random_rows(5, 7, 3).to(at::kFloat);
  EXPECT_EQ(tile_of(Measure::kL2, u, u).diagonal().abs().max().item<float>(), 0);
}

TEST(MeasureTile, CollapsedRowsKeepTheirDigits) {
  // All rows around one far point.
  const at::Tensor u = (5 + 1e-3 * random_rows(40, 16, 5)).to(at::kFloat);
  const at::Tensor got = tile_of(Measure::kSquaredL2, u, u).to(at::kDouble);
  const at::Tensor exact = u.to(at::kDouble);
  const at::Tensor expected = (exact.unsqueeze(1) - exact.unsqueeze(0)).square().sum(2);
  EXPECT_LE(max_relative_error(got, expected), 1e-5);
}

TEST(AddPull, IsZeroAtDistanceZero) {
  const at::Tensor u = random_rows(3, 4, 4);
  at::Tensor gradient = at::zeros({3, 4}, at::kDouble);
  at::Tensor weight = at::zeros({3, 3}, at::kDouble);
  weight.diagonal().fill_(5);
  prepare_tile_gradient(Measure::kL2, tile_of(Measure::kL2, u, u), weight);
  add_tile_gradient(Measure::kL2, weight, u, u, gradient);
  EXPECT_EQ(gradient.abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace lodestone::testing
