#include "trainer/engine/average.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace lodestone {
using namespace encoders;
using namespace engine;
namespace {

TEST(Average, CopiesUntilItsStartThenMovesByTheDecay) {
  Parameters parameters(1);
  const at::Tensor weight = parameters.constant("weight", {3}, 1.0);
  const at::Tensor mean = parameters.buffer("mean", {2}, 0.0);
  Average average({0.9, 2}, parameters);
  double expected = 1.0, expected_mean = 0.0;
  for (int64_t step = 0; step < 6; ++step) {
    {
      at::NoGradGuard no_grad;
      weight.add_(1.0);
      mean.add_(0.5);
    }
    average.follow(step);
    const double w = weight[0].item<double>(), m = mean[0].item<double>();
    expected = step < 2 ? w : 0.9 * expected + 0.1 * w;
    expected_mean = step < 2 ? m : 0.9 * expected_mean + 0.1 * m;
    EXPECT_NEAR(average.of("weight")[2].item<double>(), expected, 1e-6);
    EXPECT_NEAR(average.of("mean")[1].item<double>(), expected_mean, 1e-6);
  }
}

TEST(Average, StandsInForTheWeightsAndGivesThemBack) {
  Parameters parameters(1);
  const at::Tensor weight = parameters.constant("weight", {1}, 1.0);
  Average average({0.5, 0}, parameters);
  {
    at::NoGradGuard no_grad;
    weight.add_(1.0);
  }
  average.follow(0);
  {
    const Average::InPlace in_place(average);
    EXPECT_DOUBLE_EQ(weight.item<double>(), 1.5);
    EXPECT_TRUE(weight.requires_grad());
  }
  EXPECT_DOUBLE_EQ(weight.item<double>(), 2.0);
  average.follow(1);
  EXPECT_DOUBLE_EQ(average.of("weight").item<double>(), 1.75);
}

}  // namespace
}  // namespace lodestone
