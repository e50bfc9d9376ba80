// Finite differences in float64: the gradient is that of the loss that is reported.
#include <ATen/ops/full.h>

#include "support/problem.h"

namespace lodestone::testing {
namespace {

class NumericJacobian : public ::testing::TestWithParam<Case> {
 protected:
  // The largest difference between `gradient` and the loss's central differences when `value` moves.
  double worst(const Problem& problem, const MadeCase& made, at::Tensor value, const at::Tensor& gradient) {
    const double h = 1e-6;
    const auto loss_at = [&](int64_t i, double offset) {
      const at::Tensor before = value.view(-1)[i].clone();
      value.view(-1)[i] += offset;
      const double loss =
          global_batch_loss(single_group(), problem.rows, made.objective(), problem.input(made)).loss;
      value.view(-1)[i].copy_(before);
      return loss;
    };
    double most = 0;
    for (int64_t i = 0; i < value.numel(); ++i) {
      const double slope = (loss_at(i, h) - loss_at(i, -h)) / (2 * h);
      most = std::max(most, std::abs(slope - gradient.reshape(-1)[i].item<double>()));
    }
    return most / std::max(1.0, gradient.abs().max().item<double>());
  }
};

TEST_P(NumericJacobian, CentralDifferencesAgree) {
  // Circle holds its weighting factors constant in the backward pass, as its paper does: no gradient of the
  // loss itself.
  if (GetParam().loss == "circle") GTEST_SKIP() << "its gradient is not the loss's derivative, by definition";
  const MadeCase made(GetParam());
  const Problem problem = problem_around(made, random_batch(13, 4, 21), 21);
  const StepLoss step =
      global_batch_loss(single_group(), problem.rows, made.objective(), problem.input(made));
  const double tolerance = 1e-7 * std::max(1.0, std::abs(made.loss->affine().scale) / 10);
  EXPECT_LE(worst(problem, made, problem.rows.z_bD, step.gradient_bD), tolerance);
  if (step.second_gradient_bD.defined()) {
    EXPECT_LE(worst(problem, made, problem.second->z_bD, step.second_gradient_bD), tolerance);
  }
  if (step.shard_gradient_nD.defined()) {
    EXPECT_LE(worst(problem, made, problem.shard->u_nD, step.shard_gradient_nD), tolerance);
  }
  const auto parameters = made.loss->parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    EXPECT_LE(
        worst(problem, made, parameters[i].value, at::full({}, step.parameter_gradients[i], at::kDouble)),
        1e-7)
        << parameters[i].name;
}

INSTANTIATE_TEST_SUITE_P(All, NumericJacobian, ::testing::ValuesIn(all_cases()));

}  // namespace
}  // namespace lodestone::testing
