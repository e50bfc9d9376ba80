// Products of bfloat16 rows with float32 sums, and what the loss makes of them.
#include "trainer/negatives/kernels/bf16_product.h"

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "support/problem.h"

namespace lodestone::testing {
using namespace negatives;
namespace {

at::Tensor half(at::IntArrayRef shape) {
  return at::randn(shape, at::kFloat).to(at::kBFloat16);
}

at::Tensor exact(const at::Tensor& a_mk, const at::Tensor& b_kn) {
  return a_mk.to(at::kDouble).mm(b_kn.to(at::kDouble));
}

using Product = void (*)(at::Tensor&, const at::Tensor&, const at::Tensor&, double, double);

void expect_sums_in_float32(Product product) {
  const at::Tensor a_mk = half({7, 300}), b_nk = half({5, 300}), c_kn = half({300, 5}), d_km = half({300, 7});
  const auto check = [&](const at::Tensor& left, const at::Tensor& right) {
    at::Tensor out_mn = at::randn({7, 5}, at::kFloat);
    const at::Tensor expected_mn = 0.5 * out_mn.to(at::kDouble) + 2 * exact(left, right);
    product(out_mn, left, right, 0.5, 2);
    // Sums of 300 bfloat16 products rounded to bfloat16 would be off by 4e-3.
    EXPECT_LE(max_relative_error(out_mn.to(at::kDouble), expected_mn), 2e-6);
  };
  check(a_mk, b_nk.t());
  check(a_mk, c_kn);
  check(d_km.t(), b_nk.t());
  check(d_km.t(), c_kn);
  check(a_mk.narrow(1, 0, 1), b_nk.narrow(1, 0, 1).t());
}

TEST(Bf16Product, SumsInFloat32WhateverTheStrides) {
  expect_sums_in_float32(add_bf16_product);
}

TEST(Bf16Product, OfMklLikewise) {
  at::Tensor none = at::zeros({1, 1}, at::kFloat);
  if (!add_bf16_product_by_mkl(none, half({1, 1}), half({1, 1}), 1, 1))
    GTEST_SKIP() << "LibTorch without MKL";
  expect_sums_in_float32([](at::Tensor& out, const at::Tensor& a, const at::Tensor& b, double beta,
                            double alpha) { add_bf16_product_by_mkl(out, a, b, beta, alpha); });
}

TEST(Bf16Product, LeavesWhatBetaZeroFindsUnread) {
  at::Tensor out_mn = at::full({2, 3}, NAN, at::kFloat);
  add_bf16_product(out_mn, half({2, 4}), half({4, 3}), 0, 1);
  EXPECT_TRUE(out_mn.isfinite().all().item<bool>());
}

class Bf16Loss : public ::testing::TestWithParam<Case> {};

// Against the loss of exact rows: the error that docs/speed.md states. And on ranks as on one.
TEST_P(Bf16Loss, IsCloseToFloat32AndTheSameOnRanks) {
  const MadeCase made(GetParam());
  LocalRows batch = random_batch(24, 64, 4);
  batch.z_bD = batch.z_bD.to(at::kFloat);
  Objective objective = made.objective();
  const StepLoss exact = global_batch_loss(single_group(), batch, objective);
  objective.exchange.bf16_products = true;
  const StepLoss one = global_batch_loss(single_group(), batch, objective);
  EXPECT_NE(one.loss, exact.loss);
  EXPECT_NEAR(one.loss, exact.loss, 0.01 * std::abs(exact.loss));
  EXPECT_LE(max_relative_error(one.gradient_bD, exact.gradient_bD), 0.03);
  run_ranks(3, [&](const Group& group) {
    const StepLoss many = global_batch_loss(group, share(batch, 8 * group.rank(), 8), objective);
    EXPECT_NEAR(many.loss, one.loss, 1e-5 * std::abs(one.loss));
    EXPECT_LE(max_relative_error(many.gradient_bD, one.gradient_bD.narrow(0, 8 * group.rank(), 8)), 0.01);
  });
}

INSTANTIATE_TEST_SUITE_P(Losses, Bf16Loss,
                         ::testing::Values(Case{"infonce", "", "all"}, Case{"supcon", "", "all"},
                                           Case{"infonce", "", "all", true, false, false, true}));

TEST(Bf16Loss, RefusesDistances) {
  const MadeCase made(Case{"contrastive", "", "all"});
  Objective objective = made.objective();
  objective.exchange.bf16_products = true;
  EXPECT_THROW(objective.check({}), ConfigError);
}

}  // namespace
}  // namespace lodestone::testing
