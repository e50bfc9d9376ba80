#include "trainer/encoders/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "support/batches.h"
#include "support/ranks.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

constexpr int64_t kChannels = 3;

struct Result {
  at::Tensor y, x_gradient, weight_gradient, bias_gradient, mean, variance;
};

// One training pass over rows x in double precision, from a loss whose gradient in y is `dy`.
Result pass(const at::Tensor& x, const at::Tensor& dy, const ForwardMode& mode) {
  Parameters parameters(1);
  const BatchNorm norm(parameters, "bn", kChannels);
  parameters.convert(at::kDouble, at::kCPU);
  at::Tensor weight = parameters.learned()[0].tensor, bias = parameters.learned()[1].tensor;
  weight.data().mul_(1.5);
  bias.data().add_(0.25);
  const at::Tensor leaf = x.clone().requires_grad_(true);
  const at::Tensor y = norm.forward(leaf, mode);
  y.backward(dy);
  return {y.detach(),
          leaf.grad(),
          weight.grad(),
          bias.grad(),
          parameters.buffers()[0].tensor,
          parameters.buffers()[1].tensor};
}

TEST(SyncBatchNorm, AnyWorldEqualsOneProcess) {
  const int64_t rows = 11;
  const at::Tensor x = random_rows(rows, kChannels * 20, 1).view({rows, kChannels, 5, 4});
  const at::Tensor dy = random_rows(rows, kChannels * 20, 2).view({rows, kChannels, 5, 4});
  ForwardMode local;
  local.training = true;
  const Result expected = pass(x, dy, local);
  for (const int world : {1, 2, 3, 4})
    for (const auto& shares : ways_to_share(rows, world)) {
      std::vector<Result> results(shares.size());
      run_ranks(world, [&](const Group& group) {
        const auto rank = static_cast<size_t>(group.rank());
        int64_t begin = 0;
        for (size_t r = 0; r < rank; ++r) begin += shares[r];
        ForwardMode mode;
        mode.training = true;
        mode.batch_norm = BatchNormMode::kSync;
        mode.sum_over_ranks = [&group](const at::Tensor& value) {
          at::Tensor sum = value.clone();
          group.all_reduce(sum);
          return sum;
        };
        results[rank] = pass(x.narrow(0, begin, shares[rank]), dy.narrow(0, begin, shares[rank]), mode);
      });
      std::vector<at::Tensor> y, x_gradient;
      at::Tensor weight_gradient = at::zeros({kChannels}, at::kDouble),
                 bias_gradient = weight_gradient.clone();
      for (const auto& result : results) {
        y.push_back(result.y);
        x_gradient.push_back(result.x_gradient);
        weight_gradient += result.weight_gradient;
        bias_gradient += result.bias_gradient;
        EXPECT_LE(max_relative_error(result.mean, expected.mean), 1e-12);
        EXPECT_LE(max_relative_error(result.variance, expected.variance), 1e-12);
      }
      EXPECT_LE(max_relative_error(at::cat(y), expected.y), 1e-12) << world;
      EXPECT_LE(max_relative_error(at::cat(x_gradient), expected.x_gradient), 1e-11) << world;
      EXPECT_LE(max_relative_error(weight_gradient, expected.weight_gradient), 1e-12) << world;
      EXPECT_LE(max_relative_error(bias_gradient, expected.bias_gradient), 1e-12) << world;
    }
}

TEST(BatchNorm, FrozenUsesTheRunningStatisticsAndLeavesThemAlone) {
  const at::Tensor x = random_rows(4, kChannels, 3).view({4, kChannels, 1, 1});
  ForwardMode mode;
  mode.training = true;
  mode.batch_norm = BatchNormMode::kFrozen;
  const Result result = pass(x, x, mode);
  EXPECT_EQ(result.mean.abs().max().item<double>(), 0);
  EXPECT_LE(max_relative_error(result.y, x / std::sqrt(1 + 1e-5) * 1.5 + 0.25), 1e-12);
}

}  // namespace
}  // namespace lodestone::testing
