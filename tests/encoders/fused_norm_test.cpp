// The fused passes against ATen's operations in double precision, one after the other.
#include "trainer/encoders/fused_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "support/batches.h"
#include "support/ranks.h"
#include "trainer/encoders/batch_norm.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

constexpr int64_t kChannels = 32;

struct Result {
  at::Tensor y, x, residual, weight, bias, mean, variance;  // gradients where there are some
};

at::Tensor apply(const BatchNorm& norm, AfterNorm after, const at::Tensor& x, const at::Tensor& residual,
                 const ForwardMode& mode) {
  if (after == AfterNorm::kNothing) return norm.forward(x, mode);
  return after == AfterNorm::kRelu ? norm.relu(x, mode, residual) : norm.pool_relu(x, mode);
}

// float32 takes the fused kernels, float64 the others.
Result pass(AfterNorm after, const at::Tensor& x, const at::Tensor& residual, const at::Tensor& dy,
            const ForwardMode& mode, at::ScalarType type) {
  Parameters parameters(1);
  const BatchNorm norm(parameters, "bn", kChannels);
  const at::Tensor weight = parameters.learned()[0].tensor, bias = parameters.learned()[1].tensor;
  weight.data().copy_(random_rows(1, kChannels, 9)[0]);  // of both signs
  bias.data().copy_(random_rows(1, kChannels, 10)[0]);
  parameters.buffers()[0].tensor.add_(0.2);
  parameters.buffers()[1].tensor.mul_(1.7);
  parameters.convert(type, at::kCPU);
  const at::Tensor leaf = x.to(type).clone().requires_grad_(true);
  const at::Tensor other = residual.defined() ? residual.to(type).clone().requires_grad_(true) : residual;
  EXPECT_EQ(fused_norm_fits(leaf), type == at::kFloat);
  const at::Tensor y = apply(norm, after, leaf, other, mode);
  y.backward(dy.to(type));
  return {y.detach(),
          leaf.grad(),
          other.defined() ? other.grad() : other,
          weight.grad(),
          bias.grad(),
          parameters.buffers()[0].tensor,
          parameters.buffers()[1].tensor};
}

void expect_close(const at::Tensor& got, const at::Tensor& expected, const std::string& what) {
  if (!expected.defined()) return;
  EXPECT_LE(max_relative_error(got.to(at::kDouble), expected), 2e-5) << what;
}

at::Tensor images(int64_t rows, int64_t height, int64_t width, uint64_t seed) {
  // Float32 numbers, with a mean far from zero.
  return (random_rows(rows, kChannels * height * width, seed) + 3.0)
      .to(at::kFloat)
      .to(at::kDouble)
      .view({rows, kChannels, height, width});
}

struct FusedCase {
  AfterNorm after;
  bool residual;
  int64_t height, width;
};

class Fused : public ::testing::TestWithParam<FusedCase> {};

TEST_P(Fused, EqualsTheOperationsOneByOneOnAnyWorld) {
  const auto& [after, with_residual, height, width] = GetParam();
  const int64_t rows = 5;
  const at::Tensor x = images(rows, height, width, 1);
  const at::Tensor residual = with_residual ? images(rows, height, width, 2) - 3.0 : at::Tensor();
  const bool pools = after == AfterNorm::kPoolRelu;
  const at::Tensor dy = images(rows, pools ? height / 2 : height, pools ? width / 2 : width, 3);
  for (const auto norm_mode : {BatchNormMode::kLocal, BatchNormMode::kSync, BatchNormMode::kFrozen}) {
    ForwardMode mode;
    mode.training = true;
    mode.batch_norm = norm_mode;
    const Result expected = pass(after, x, residual, dy, mode, at::kDouble);
    for (const std::vector<int64_t>& shares : {std::vector<int64_t>{5}, {2, 3}, {0, 4, 1}}) {
      if (norm_mode == BatchNormMode::kLocal && shares.size() > 1) continue;
      std::vector<Result> parts(shares.size());
      run_ranks(static_cast<int>(shares.size()), [&](const Group& group) {
        const auto rank = static_cast<size_t>(group.rank());
        int64_t begin = 0;
        for (size_t r = 0; r < rank; ++r) begin += shares[r];
        ForwardMode own = mode;
        if (norm_mode == BatchNormMode::kSync)
          own.sum_over_ranks = [&group](const at::Tensor& value) {
            at::Tensor sum = value.clone();
            group.all_reduce(sum);
            return sum;
          };
        const auto part = [&](const at::Tensor& all) {
          return all.defined() ? all.narrow(0, begin, shares[rank]) : all;
        };
        parts[rank] = pass(after, part(x), part(residual), part(dy), own, at::kFloat);
      });
      const auto joined = [&](at::Tensor Result::*member) {
        std::vector<at::Tensor> all;
        for (const auto& part : parts)
          if ((part.*member).defined()) all.push_back(part.*member);
        return all.empty() ? at::Tensor() : at::cat(all);
      };
      at::Tensor weight = at::zeros_like(parts[0].weight), bias = weight.clone();
      for (const auto& part : parts) {
        weight += part.weight;
        bias += part.bias;
        expect_close(part.mean, expected.mean, "running mean");
        expect_close(part.variance, expected.variance, "running variance");
      }
      expect_close(joined(&Result::y), expected.y, "y");
      expect_close(joined(&Result::x), expected.x, "dx");
      expect_close(joined(&Result::residual), expected.residual, "dresidual");
      expect_close(weight, expected.weight, "dweight");
      expect_close(bias, expected.bias, "dbias");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Fused,
                         ::testing::Values(FusedCase{AfterNorm::kNothing, false, 5, 4},
                                           FusedCase{AfterNorm::kRelu, false, 3, 50},
                                           FusedCase{AfterNorm::kRelu, true, 4, 4},
                                           FusedCase{AfterNorm::kPoolRelu, false, 6, 8},
                                           FusedCase{AfterNorm::kPoolRelu, false, 7, 5}));

TEST(Fused, TakesTheFirstOfEqualPixelsAndLetsNothingThroughAtZero) {
  Parameters parameters(1);
  const BatchNorm norm(parameters, "bn", 16);
  const at::Tensor x = at::zeros_like(random_rows(1, 16 * 4, 1).view({1, 16, 2, 2}).to(at::kFloat)).add_(1.0);
  ForwardMode frozen;
  frozen.training = true;
  frozen.batch_norm = BatchNormMode::kFrozen;
  for (const float value : {1.0f, -1.0f}) {
    const at::Tensor leaf = (x * value).requires_grad_(true);
    const at::Tensor y = norm.pool_relu(leaf, frozen);
    y.sum().backward();
    EXPECT_EQ(leaf.grad()[0][3][0][0].item<float>() > 0, value > 0);
    EXPECT_EQ(leaf.grad()[0][3].count_nonzero().item<int64_t>(), value > 0 ? 1 : 0);
  }
}

TEST(Fused, HeldGivesTheSameBits) {
  Parameters parameters(1);
  BatchNorm norm(parameters, "bn", kChannels);
  const at::NoGradGuard no_grad;
  parameters.learned()[0].tensor.copy_(random_rows(1, kChannels, 9)[0]);
  parameters.learned()[1].tensor.copy_(random_rows(1, kChannels, 10)[0]);
  parameters.buffers()[0].tensor.add_(0.2);
  parameters.buffers()[1].tensor.mul_(1.7);
  BatchNorm held = norm;
  held.hold();
  const at::Tensor x = images(3, 5, 8, 1).to(at::kFloat), residual = images(3, 5, 8, 2).to(at::kFloat);
  for (const auto after : {AfterNorm::kNothing, AfterNorm::kRelu, AfterNorm::kPoolRelu})
    for (const at::Tensor& other : {at::Tensor(), residual})
      EXPECT_TRUE(apply(held, after, x, other, {}).equal(apply(norm, after, x, other, {})));
  ForwardMode batch;
  batch.training = true;  // statistics of the batch are not held
  EXPECT_TRUE(held.relu(x, batch).equal(norm.relu(x, batch)));
}

TEST(Fused, KeepsNaNVisible) {
  Parameters parameters(1);
  const BatchNorm norm(parameters, "bn", 16);
  at::Tensor x = random_rows(2, 16 * 16, 1).view({2, 16, 4, 4}).to(at::kFloat);
  x[1][2][3][3] = std::nanf("");
  ForwardMode mode;
  mode.training = true;
  EXPECT_TRUE(norm.relu(x, mode).isnan().any().item<bool>());
  EXPECT_TRUE(norm.pool_relu(x, mode).isnan().any().item<bool>());
}

}  // namespace
}  // namespace lodestone::testing
