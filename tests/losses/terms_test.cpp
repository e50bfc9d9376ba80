// The functions over tiles that a PairLoss writes by hand: slopes, ranges, single precision, in place.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "losses/all_losses.h"

namespace lodestone::testing {
namespace {

at::Tensor between(double low, double high, int count) {
  at::Tensor x = at::empty({1, count}, at::kDouble);
  for (int i = 0; i < count; ++i) x.mutable_data_ptr<double>()[i] = low + (high - low) * (i + 0.5) / count;
  return x;
}

at::Tensor term(const PairLoss& loss, const at::Tensor& value) {
  at::Tensor out = value.clone();
  loss.negative_term(out);
  return out;
}

TEST(EveryLoss, SlopeIsTheDerivativeOfTheTerm) {
  for (const MadeLoss& made : all_losses()) {
    const PairLoss* loss = made.pair_loss();
    if (!loss || made.slot.name() == "circle") continue;     // circle holds a factor constant: see below
    const at::Tensor value = between(-2.0013, 2.0007, 997);  // keeps off the kinks
    const double h = 1e-6;
    const at::Tensor expected = (term(*loss, value + h) - term(*loss, value - h)) / (2 * h);
    at::Tensor got = at::full(value.sizes(), 3.0, value.options());
    loss->multiply_slope(value, got);
    const double most = std::max(1.0, expected.abs().max().item<double>());
    EXPECT_LT((got / 3 - expected).abs().max().item<double>(), 1e-8 * most) << made;
    if (const auto slope = loss->constant_slope()) {
      EXPECT_LT((expected - *slope).abs().max().item<double>(), 1e-8 * most) << made;
    }
  }
}

TEST(Circle, SlopeHoldsTheFactorConstant) {
  const MadeLoss made("circle", "margin: 0.25, gamma: 16");
  const at::Tensor value = between(-2, 2, 997), expected = 16 * (value + 0.25).clamp_min(0);
  at::Tensor got = at::full(value.sizes(), 3.0, value.options());
  made.pair_loss()->multiply_slope(value, got);
  EXPECT_LT((got / 3 - expected).abs().max().item<double>(), 1e-12);
}

TEST(EveryLoss, RangeOfTheTermIsTight) {
  for (const MadeLoss& made : all_losses()) {
    const PairLoss* loss = made.pair_loss();
    if (!loss || loss->negative_sum() != Sum::kLogExp) continue;
    for (const auto& [low, high] :
         {std::pair{-1.0, 1.0}, {-1.0, -0.7}, {-0.3, -0.1}, {0.2, 0.3}, {-0.1, 2.0}}) {
      const at::Tensor all = term(*loss, between(low, high, 100000));
      const auto [least, most] = loss->term_range(low, high);
      const double slack = 1e-4 * (1 + std::abs(least) + std::abs(most));
      EXPECT_NEAR(all.min().item<double>(), least, slack) << made << " in " << low << ", " << high;
      EXPECT_NEAR(all.max().item<double>(), most, slack) << made << " in " << low << ", " << high;
    }
  }
}

TEST(EveryLoss, TermsOfSinglePrecisionStayInPlace) {
  for (const MadeLoss& made : all_losses()) {
    const PairLoss* loss = made.pair_loss();
    if (!loss) continue;
    const at::Tensor value = between(-2, 2, 97);
    at::Tensor single = value.to(at::kFloat), weight = single.clone();
    const void* place = weight.data_ptr();
    const float first = single.const_data_ptr<float>()[0];
    loss->multiply_slope(single, weight);
    EXPECT_EQ(single.const_data_ptr<float>()[0], first) << made << " changed its const values";
    EXPECT_EQ(weight.data_ptr(), place) << made;
    EXPECT_EQ(weight.scalar_type(), at::kFloat) << made;
    place = single.data_ptr();
    loss->negative_term(single);
    EXPECT_EQ(single.data_ptr(), place) << made;
    EXPECT_EQ(single.scalar_type(), at::kFloat) << made;
    const at::Tensor expected = term(*loss, value);
    EXPECT_LT((single - expected).abs().max().item<double>(),
              1e-5 * (1 + expected.abs().max().item<double>()))
        << made;
  }
}

}  // namespace
}  // namespace lodestone::testing
