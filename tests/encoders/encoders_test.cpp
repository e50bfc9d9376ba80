#include <cmath>
#include <future>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/std.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "encoders/made.h"
#include "trainer/encoders/encoder.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

struct Case {
  const char* name;
  const char* yaml;
  InputShape input;
};

constexpr const char* kSmallBert = "{name: bert, layers: 2, width: 16, heads: 2, intermediate: 24}";
const Case kCases[] = {
    {"conv4", "{name: conv4}", kImages},
    {"mlp", "{name: mlp}", kImages},
    {"resnet18", "{name: resnet18, stem: small, width: 16}", kImages},
    {"resnet50_gem",
     "{name: resnet50, width: 4, pooling: gem, head: {kind: mlp, hidden: [16], norm: batch, embedding: 8}}",
     kImages},
    {"vit_tiny", "{name: vit_tiny, patch_size: 8, layers: 2}", kImages},
    {"vit_tiny_gem",
     "{name: vit_tiny, patch_size: 8, layers: 1, pooling: gem, names: torchvision, head: {kind: linear}}",
     kImages},
    {"bag_of_tokens", "{name: bag_of_tokens, head: {kind: mlp, hidden: [16], norm: layer, embedding: 8}}",
     kTexts},
    {"bert", kSmallBert, kTexts},
    {"bert_pooler", "{name: bert, layers: 1, width: 16, heads: 2, pooling: pooler, attention_dropout: 0}",
     kTexts},
    {"two_tower", "{name: two_tower, image: {name: mlp}, text: {name: bag_of_tokens}, embedding: 8}", kBoth},
};

class EveryEncoder : public ::testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Slot<Encoder>> encoder(uint64_t seed = 1) const {
    return made(GetParam().yaml, GetParam().input, seed);
  }
  Features rows(int64_t count) const { return features(GetParam().input, count); }
};

TEST_P(EveryEncoder, GivesEmbeddingsOfItsWidthAlsoForNoRows) {
  const auto slot = encoder();
  for (const bool training : {false, true})
    for (const int64_t count : {0, 1, 5}) {
      ForwardMode mode;
      mode.training = training;
      if (count == 1) mode.batch_norm = BatchNormMode::kFrozen;  // one row of one pixel has no variance
      const at::Tensor z = (*slot)->forward(rows(count), mode);
      EXPECT_EQ(z.sizes(), (at::IntArrayRef{count, (*slot)->output_dim()}));
      EXPECT_TRUE(count == 0 || z.isfinite().all().item<bool>());
    }
}

TEST_P(EveryEncoder, EmbedsOnThreadsAtOnceWhatItEmbedsAlone) {
  const auto slot = encoder();
  ASSERT_TRUE((*slot)->concurrent());
  const Features x = rows(9);
  const at::NoGradGuard no_grad;
  const at::Tensor alone = (*slot)->forward(x, {});
  (*slot)->hold_weights();
  std::vector<std::future<at::Tensor>> together;
  for (int t = 0; t < 3; ++t)
    together.push_back(std::async(std::launch::async, [&] {
      const at::NoGradGuard of_this_thread;
      at::Tensor z;
      for (int i = 0; i < 5; ++i) z = (*slot)->forward(x, {});
      return z;
    }));
  // Held weights take other ways through the same sums.
  for (auto& z : together)
    EXPECT_LE((z.get() - alone).abs().max().item<float>(), 1e-6f * alone.abs().max().item<float>());
}

TEST_P(EveryEncoder, ReachesEveryParameterWithTheGradient) {
  const auto slot = encoder();
  for (const bool recompute : {false, true}) {
    ForwardMode mode;
    mode.training = true;
    mode.recompute = recompute;
    const at::Tensor none = (*slot)->forward(rows(0), mode);
    none.backward(at::ones_like(none));  // a rank without rows must survive its backward pass
    const at::Tensor z = (*slot)->forward(rows(6), mode);
    z.backward(random_rows(6, z.size(1), 2).to(at::kFloat));
    for (const auto& parameter : (*slot)->parameters().learned()) {
      ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
      const at::Tensor gradient = parameter.tensor.grad();
      EXPECT_GT(gradient.abs().max().item<float>(), 0) << parameter.name;
      gradient.zero_();
    }
  }
}

TEST_P(EveryEncoder, StartsFromItsSeedAlone) {
  const auto first = encoder(3), same = encoder(3), other = encoder(4);
  bool differs = false;
  for (size_t i = 0; i < (*first)->parameters().learned().size(); ++i) {
    const auto tensor = [i](const auto& slot) { return (*slot)->parameters().learned()[i].tensor; };
    EXPECT_TRUE(at::equal(tensor(first), tensor(same)));
    differs = differs || !at::equal(tensor(first), tensor(other));
  }
  EXPECT_TRUE(differs);
}

// A row's embedding doesn't depend on what it is encoded with, on padding, or on other rows.
TEST_P(EveryEncoder, EncodesEachRowOnItsOwn) {
  const auto slot = encoder();
  if ((*slot)->modality() == Modality::kBoth) return;
  const Features all = rows(4);
  const at::Tensor z = (*slot)->forward(all, {});
  for (int64_t row = 0; row < 4; ++row) {
    Features one;
    if (all.pixels_nCHW.defined()) one.pixels_nCHW = all.pixels_nCHW.narrow(0, row, 1);
    if (all.tokens_nT.defined()) {
      const int64_t length = all.mask_nT[row].sum().item<int64_t>();
      one.tokens_nT = all.tokens_nT.narrow(0, row, 1).narrow(1, 0, length);
      one.mask_nT = all.mask_nT.narrow(0, row, 1).narrow(1, 0, length);
    }
    EXPECT_LE(max_relative_error((*slot)->forward(one, {}), z.narrow(0, row, 1)), 1e-5) << row;
  }
}

TEST_P(EveryEncoder, RefusesDataOfTheOtherKind) {
  EXPECT_THROW(made(GetParam().yaml, GetParam().input.vocabulary > 0 ? kImages : kTexts), ConfigError);
}

INSTANTIATE_TEST_SUITE_P(All, EveryEncoder, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return one.param.name; });

TEST(Conv4, RefusesImagesThatItsPoolsWouldEatUp) {
  EXPECT_THROW(made("{name: conv4}", {1, 8, 8}), ConfigError);
}

TEST(Vit, RefusesImagesThatArentWholePatches) {
  EXPECT_THROW(made("{name: vit_tiny, patch_size: 7}", kImages), ConfigError);
}

TEST(Bert, EmbedsATextAlikeWhateverTheOthersLengths) {
  const auto slot = made(kSmallBert, kTexts);
  Encoder& encoder = **slot;
  const int64_t rows = 40;
  at::Tensor tokens = at::zeros({rows, 10}, at::kLong), mask = at::zeros({rows, 10}, at::kBool);
  for (int64_t i = 0; i < rows; ++i) {
    tokens[i].narrow(0, 0, 1 + i % 10).fill_(1 + i);
    mask[i].narrow(0, 0, 1 + i % 10).fill_(true);
  }
  const at::Tensor together = encoder.forward({tokens, mask}, {});
  for (int64_t i = 0; i < rows; ++i) {
    const Features alone(tokens.narrow(0, i, 1).narrow(1, 0, 1 + i % 10),
                         mask.narrow(0, i, 1).narrow(1, 0, 1 + i % 10));
    EXPECT_LE(max_relative_error(together.narrow(0, i, 1), encoder.forward(alone, {})), 1e-5) << i;
  }
}

TEST(Bert, RefusesSizesThatDontGoTogether) {
  EXPECT_THROW(made("{name: bert, width: 10, heads: 3}", kTexts), ConfigError);
  EXPECT_THROW(made("{name: bert, vocabulary: 49}", kTexts), ConfigError);
  EXPECT_THROW(made("{name: bert, positions: 11}", kTexts), ConfigError);
}

TEST(Bert, SettingsThatWereOpenGetTheValuesUsed) {
  const auto slot = made("{name: bert, layers: 1, width: 16, heads: 2}", kTexts);
  const std::string yaml = write_yaml([&](Fields& f) { f.slot({.name = "encoder"}, *slot); });
  EXPECT_NE(yaml.find("intermediate: 64"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("vocabulary: 50"), std::string::npos) << yaml;
}

TEST(TwoTower, KeepsTheOrderOfRows) {
  const auto slot =
      made("{name: two_tower, image: {name: mlp}, text: {name: bag_of_tokens}, embedding: 8}", kBoth);
  const Features mixed = features(kBoth, 5);
  Features images, texts;
  images.pixels_nCHW = mixed.pixels_nCHW;
  texts.tokens_nT = mixed.tokens_nT;
  texts.mask_nT = mixed.mask_nT;
  for (const bool training : {false, true}) {
    ForwardMode mode;
    mode.training = training;
    const at::Tensor z = (*slot)->forward(mixed, mode), z_image = (*slot)->forward(images, mode),
                     z_text = (*slot)->forward(texts, mode);
    EXPECT_EQ(z.size(0), 5);
    for (int64_t row = 0; row < 5; ++row)
      EXPECT_TRUE(at::allclose(z[row], row % 2 ? z_text[row / 2] : z_image[row / 2], 1e-5, 1e-6)) << row;
  }
}

/// The standard deviation of one parameter's initial values.
double spread(const Slot<Encoder>& slot, const std::string& name) {
  for (const Parameter& parameter : slot->parameters().learned())
    if (parameter.name == name) return parameter.tensor.std(false).item<double>();
  ADD_FAILURE() << "no parameter " << name;
  return 0;
}

TEST(Parameters, StartAsInPyTorchAndTorchvision) {
  const auto conv4 = made("{name: conv4}", kImages);
  for (const auto& [name, fan_in] :
       {std::pair{"blocks.0.conv.weight", 9}, {"blocks.3.conv.weight", 64 * 9}, {"head.weight", 64}})
    EXPECT_NEAR(spread(*conv4, name) * std::sqrt(3.0 * fan_in), 1, 0.06) << name;
  const auto resnet = made("{name: resnet18}", {3, 64, 64, 0, 0});
  for (const auto& [name, fan_out] : {std::pair{"conv1.weight", 64 * 49},
                                      {"layer2.0.conv1.weight", 128 * 9},
                                      {"layer2.0.downsample.0.weight", 128}})
    EXPECT_NEAR(spread(*resnet, name) * std::sqrt(fan_out / 2.0), 1, 0.06) << name;
  const auto head = [](const char* norm) {
    return made("{name: bag_of_tokens, head: {kind: mlp, hidden: [64], embedding: 8, norm: " +
                    std::string(norm) + "}}",
                kTexts);
  };
  const auto bare = head("none"), normed = head("batch");
  EXPECT_NEAR(spread(*bare, "head.layers.0.weight") / spread(*normed, "head.layers.0.weight"), std::sqrt(6.0),
              0.1);
}

TEST(Parameters, DecaysKernelsAndSparesNormsAndBiases) {
  for (const char* yaml : {"{name: conv4}", "{name: resnet18, width: 8}"}) {
    const auto encoder = made(yaml, kImages);
    for (const auto& parameter : (*encoder)->parameters().learned())
      EXPECT_EQ(parameter.decays, parameter.tensor.dim() > 1) << parameter.name;
  }
}

TEST(Parameters, ConvertKeepsTheHandlesOfTheLayers) {
  for (const auto& [name, yaml, input] : kCases) {
    const auto slot = made(yaml, input);
    Features x = features(input, 3);
    const at::Tensor before = (*slot)->forward(x, {});
    (*slot)->parameters().convert(at::kDouble, at::kCPU);
    if (x.pixels_nCHW.defined()) x.pixels_nCHW = x.pixels_nCHW.to(at::kDouble);
    const at::Tensor after = (*slot)->forward(x, {});
    EXPECT_EQ(after.scalar_type(), at::kDouble) << name;
    EXPECT_TRUE(at::allclose(after.to(at::kFloat), before, 1e-3, 1e-4)) << name;
  }
}

}  // namespace
}  // namespace lodestone::testing
