#include "trainer/encoders/encoder.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>

#include "common/yaml.h"
#include "support/batches.h"

namespace lodestone::testing {
namespace {

constexpr InputShape kInput{1, 16, 16};

std::unique_ptr<Encoder> built(const char* name, uint64_t seed) {
  for (const auto& row : encoder_table())
    if (std::string(row.name) == name) {
      auto encoder = row.make();
      encoder->build(kInput, seed);
      return encoder;
    }
  throw Error("no such encoder");
}

at::Tensor pictures(int64_t rows) { return random_rows(rows, 256, 1).view({rows, 1, 16, 16}).to(at::kFloat); }

class EveryEncoder : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryEncoder, GivesEmbeddingsOfItsWidthAlsoForNoRows) {
  auto encoder = built(GetParam(), 1);
  for (const bool training : {false, true})
    for (const int64_t rows : {0, 1, 5}) {
      ForwardMode mode;
      mode.training = training;
      const at::Tensor z = encoder->forward(pictures(rows), mode);
      EXPECT_EQ(z.sizes(), (at::IntArrayRef{rows, encoder->output_dim()}));
      EXPECT_TRUE(rows == 0 || z.isfinite().all().item<bool>());
    }
}

TEST_P(EveryEncoder, ReachesEveryParameterWithTheGradient) {
  auto encoder = built(GetParam(), 1);
  ForwardMode mode;
  mode.training = true;
  const at::Tensor none = encoder->forward(pictures(0), mode);
  none.backward(at::ones_like(none));  // a rank without rows must survive its backward pass
  const at::Tensor z = encoder->forward(pictures(6), mode);
  z.backward(random_rows(6, z.size(1), 2).to(at::kFloat));
  for (const auto& parameter : encoder->parameters().learned()) {
    ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
    EXPECT_GT(parameter.tensor.grad().abs().max().item<float>(), 0) << parameter.name;
  }
}

TEST_P(EveryEncoder, StartsFromItsSeedAlone) {
  const auto first = built(GetParam(), 3), same = built(GetParam(), 3), other = built(GetParam(), 4);
  bool differs = false;
  for (size_t i = 0; i < first->parameters().learned().size(); ++i) {
    EXPECT_TRUE(at::equal(first->parameters().learned()[i].tensor, same->parameters().learned()[i].tensor));
    differs = differs || !at::equal(first->parameters().learned()[i].tensor, other->parameters().learned()[i].tensor);
  }
  EXPECT_TRUE(differs);
}

INSTANTIATE_TEST_SUITE_P(All, EveryEncoder, ::testing::Values("conv4", "mlp"));

TEST(Conv4, RefusesPicturesThatItsPoolsWouldEatUp) {
  auto encoder = encoder_table()[0].make();
  EXPECT_THROW(encoder->build({1, 8, 8}, 1), ConfigError);
}

TEST(Parameters, DecaysKernelsAndSparesNormsAndBiases) {
  for (const auto& parameter : built("conv4", 1)->parameters().learned())
    EXPECT_EQ(parameter.decays, parameter.tensor.dim() > 1) << parameter.name;
}

TEST(Parameters, ConvertKeepsTheHandlesOfTheLayers) {
  auto encoder = built("conv4", 1);
  const at::Tensor before = encoder->forward(pictures(3), {});
  encoder->parameters().convert(at::kDouble, at::kCPU);
  const at::Tensor after = encoder->forward(pictures(3).to(at::kDouble), {});
  EXPECT_EQ(after.scalar_type(), at::kDouble);
  EXPECT_TRUE(at::allclose(after.to(at::kFloat), before, 1e-4, 1e-5));
}

}  // namespace
}  // namespace lodestone::testing
