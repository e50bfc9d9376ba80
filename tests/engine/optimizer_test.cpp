#include "trainer/engine/optimizer.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

namespace lodestone {
namespace {

Parameter parameter(double value, double gradient, bool decays) {
  at::Tensor tensor = at::full({1}, value, at::kDouble).requires_grad_(true);
  tensor.mutable_grad() = at::full({1}, gradient, at::kDouble);
  return {"p", tensor, decays};
}

TEST(AdamW, FollowsThePapersUpdate) {
  OptimizerConfig config;
  config.learning_rate = 0.1;
  config.weight_decay = 0.3;
  for (const bool decays : {true, false}) {
    const Parameter p = parameter(2.0, 0, decays);
    Optimizer optimizer(config, {p});
    double theta = 2.0, m = 0, v = 0;
    for (int t = 1; t <= 5; ++t) {
      const double g = 0.5 * t;
      at::Tensor(p.tensor).mutable_grad().fill_(g);
      optimizer.step(0.5);
      const double rate = 0.1 * 0.5;
      if (decays) theta -= rate * 0.3 * theta;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      theta -= rate * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
      EXPECT_NEAR(p.tensor.item<double>(), theta, 1e-12);
      EXPECT_EQ(p.tensor.grad().item<double>(), 0) << "gradients must be zero for the next step";
    }
  }
}

TEST(Sgd, FollowsMomentumAndDecay) {
  OptimizerConfig config;
  config.name = "sgd";
  config.learning_rate = 0.1;
  config.weight_decay = 0.2;
  for (const bool nesterov : {true, false}) {
    config.nesterov = nesterov;
    const Parameter p = parameter(1.0, 0, true);
    Optimizer optimizer(config, {p});
    double theta = 1.0, b = 0;
    for (int t = 1; t <= 4; ++t) {
      at::Tensor(p.tensor).mutable_grad().fill_(0.3 * t);
      optimizer.step(1.0);
      const double g = 0.3 * t + 0.2 * theta;
      b = 0.9 * b + g;
      theta -= 0.1 * (nesterov ? g + 0.9 * b : b);
      EXPECT_NEAR(p.tensor.item<double>(), theta, 1e-12);
    }
  }
}

TEST(Clip, ScalesTheJointNorm) {
  OptimizerConfig config;
  config.clip_norm = 1.0;
  Parameter a = parameter(0, 3, true), b = parameter(0, 4, true);
  b.name = "q";
  Optimizer optimizer(config, {a, b});
  EXPECT_DOUBLE_EQ(optimizer.clip(), 5.0);
  EXPECT_DOUBLE_EQ(a.tensor.grad().item<double>(), 0.6);
  EXPECT_DOUBLE_EQ(b.tensor.grad().item<double>(), 0.8);
  EXPECT_NEAR(optimizer.clip(), 1.0, 1e-12);
}

}  // namespace
}  // namespace lodestone
