#include "trainer/engine/precision.h"

#include <thread>

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/state_handles.h"

namespace lodestone {
using namespace engine;
namespace {

TEST(Autocast, ComputesInTheTypeAndKeepsWeightsAndGradientsInFloat32) {
  const at::Tensor weight = at::ones({4, 8}).requires_grad_(true), x = at::ones({2, 8});
  at::Tensor y;
  {
    const Autocast autocast(at::kCPU, Precision::kBFloat16);
    y = at::linear(x, weight);
  }
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  y.to(at::kFloat).sum().backward();
  EXPECT_EQ(weight.grad().scalar_type(), at::kFloat);
  EXPECT_EQ(weight.grad()[3][7].item<float>(), 2.0f);
  EXPECT_EQ(at::linear(x, weight).scalar_type(), at::kFloat) << "outside nothing changes";
  {
    const Autocast none(at::kCPU, Precision::kFloat32);
    EXPECT_EQ(at::linear(x, weight).scalar_type(), at::kFloat);
  }
}

TEST(Autocast, SeesNewWeightsInTheNextStep) {
  const at::Tensor weight = at::ones({1, 1}).requires_grad_(true), x = at::ones({1, 1});
  for (const float expected : {1.0f, 2.0f, 4.0f}) {
    const Autocast autocast(at::kCPU, Precision::kBFloat16);
    EXPECT_EQ(at::linear(x, weight).item<float>(), expected);
    weight.detach().mul_(2);
  }
}

TEST(Autocast, IsAThreadsOwn) {
  const Autocast autocast(at::kCPU, Precision::kBFloat16);
  at::ScalarType other = at::kBFloat16;
  std::thread([&] { other = at::linear(at::ones({1, 1}), at::ones({1, 1})).scalar_type(); }).join();
  EXPECT_EQ(other, at::kFloat);
}

TEST(LossScaler, HalvesOnOverflowAndDoublesAfterManyGoodSteps) {
  LossScaler scaler(Precision::kFloat16);
  EXPECT_EQ(scaler.scale(), LossScaler::kStart);
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), LossScaler::kStart / 2);
  for (int64_t i = 0; i + 1 < LossScaler::kGrowthSteps; ++i) scaler.update(true);
  EXPECT_EQ(scaler.scale(), LossScaler::kStart / 2);
  scaler.update(true);
  EXPECT_EQ(scaler.scale(), LossScaler::kStart);
}

TEST(LossScaler, ContinuesFromItsSavedState) {
  LossScaler one(Precision::kFloat16), other(Precision::kFloat16);
  one.update(false);
  for (int i = 0; i < 700; ++i) one.update(true);
  const auto saved = state_handles(one), to = state_handles(other);
  for (const auto& [name, tensor] : to.at("scaler")) at::Tensor(tensor).copy_(saved.at("scaler").at(name));
  for (int64_t i = 700; i < LossScaler::kGrowthSteps; ++i) other.update(true);
  EXPECT_EQ(other.scale(), LossScaler::kStart);
}

TEST(LossScaler, GivesUpWhenNoScaleHelps) {
  LossScaler scaler(Precision::kFloat16);
  EXPECT_THROW(for (int i = 0; i < 100; ++i) scaler.update(false), Error);
}

TEST(LossScaler, IsOffForOtherTypes) {
  for (Precision precision : {Precision::kFloat32, Precision::kBFloat16}) {
    LossScaler scaler(precision);
    scaler.update(false);
    EXPECT_EQ(scaler.scale(), 1.0);
    EXPECT_TRUE(state_handles(scaler).empty());
  }
}

TEST(Precision, Float16NeedsCuda) {
  EXPECT_THROW(check_precision(Precision::kFloat16, at::kCPU), ConfigError);
  EXPECT_NO_THROW(check_precision(Precision::kBFloat16, at::kCPU));
}

}  // namespace
}  // namespace lodestone
