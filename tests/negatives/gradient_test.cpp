// Finite differences in float64: the gradient is that of the loss that is reported.
#include <gtest/gtest.h>

#include "support/batches.h"
#include "support/objectives.h"

namespace lodestone::testing {
namespace {

class NumericJacobian : public ::testing::TestWithParam<Case> {};

TEST_P(NumericJacobian, CentralDifferencesAgree) {
  const MadeCase made(GetParam());
  const Group group = single_group();
  LocalRows batch = random_batch(13, 4, 21);
  const StepLoss step = global_batch_loss(group, batch, made.objective());
  const double h = 1e-6;
  double worst = 0, largest = step.gradient_bD.abs().max().item<double>();
  for (int64_t i = 0; i < batch.z_bD.numel(); ++i) {
    const auto loss_at = [&](double offset) {
      LocalRows moved = batch;
      moved.z_bD = batch.z_bD.clone();
      moved.z_bD.view(-1)[i] += offset;
      return global_batch_loss(group, moved, made.objective()).loss;
    };
    const double slope = (loss_at(h) - loss_at(-h)) / (2 * h);
    worst = std::max(worst, std::abs(slope - step.gradient_bD.reshape(-1)[i].item<double>()));
  }
  EXPECT_LE(worst, 1e-7 * std::max(largest, 1.0));
}

INSTANTIATE_TEST_SUITE_P(All, NumericJacobian, ::testing::ValuesIn(all_cases()));

}  // namespace
}  // namespace lodestone::testing
