// What training asks of encoders: recomputed blocks, dropout, frozen parameters, ranks.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "encoders/made.h"
#include "support/ranks.h"
#include "trainer/encoders/dropout.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

constexpr const char* kBert = "{name: bert, layers: 2, width: 16, heads: 2, intermediate: 24}";
constexpr const char* kResNet =
    "{name: resnet18, stem: small, width: 4, head: {kind: mlp, hidden: [16], norm: batch, embedding: 8}}";

struct Pass {
  at::Tensor z;
  std::vector<at::Tensor> gradients, buffers;
};

// One training pass in double precision over a part of the rows, from dL/dz.
Pass pass(const char* yaml, const InputShape& input, const Features& x, const at::Tensor& dz,
          const ForwardMode& mode) {
  const auto slot = made(yaml, input);
  (*slot)->parameters().convert(at::kDouble, at::kCPU);
  Features rows = x;
  if (rows.pixels_nCHW.defined()) rows.pixels_nCHW = rows.pixels_nCHW.to(at::kDouble);
  Pass result;
  const at::Tensor z = (*slot)->forward(rows, mode);
  z.backward(dz);
  result.z = z.detach();
  for (const auto& parameter : (*slot)->parameters().learned())
    result.gradients.push_back(parameter.tensor.grad());
  for (const auto& buffer : (*slot)->parameters().buffers()) result.buffers.push_back(buffer.tensor);
  return result;
}

// Beside the parameter's own largest gradient, or a thousandth of the largest of all: some cancel out (a bias
// before a norm, a key's bias) and hold rounding alone.
void expect_near(const std::vector<at::Tensor>& got, const std::vector<at::Tensor>& expected,
                 double tolerance) {
  double largest = 0;
  for (const auto& gradient : expected) largest = std::max(largest, gradient.abs().max().item<double>());
  for (size_t i = 0; i < expected.size(); ++i) {
    const double scale = std::max(expected[i].abs().max().item<double>(), 1e-3 * largest);
    EXPECT_LE((got[i] - expected[i]).abs().max().item<double>() / scale, tolerance) << "parameter " << i;
  }
}

// Some of the rows, texts padded no further than the longest of them.
Features part(const Features& x, int64_t begin, int64_t size) {
  Features rows = x.narrow(begin, size);
  if (!rows.tokens_nT.defined() || size == 0) return rows;
  const int64_t length = rows.mask_nT.sum(1).max().item<int64_t>();
  return {rows.tokens_nT.narrow(1, 0, length), rows.mask_nT.narrow(1, 0, length)};
}

class Trained : public ::testing::TestWithParam<std::pair<const char*, InputShape>> {};

TEST_P(Trained, RecomputedBlocksGiveTheSameBits) {
  const auto& [yaml, input] = GetParam();
  const Features x = features(input, 6);
  ForwardMode mode;
  mode.training = true;
  mode.draw = {5, 3, {}};
  const int64_t width = (*made(yaml, input))->output_dim();
  const Pass kept = pass(yaml, input, x, random_rows(6, width, 2), mode);
  mode.recompute = true;
  const Pass again = pass(yaml, input, x, random_rows(6, width, 2), mode);
  EXPECT_TRUE(at::equal(kept.z, again.z));
  expect_near(again.gradients, kept.gradients, 1e-13);
  for (size_t i = 0; i < kept.buffers.size(); ++i)
    EXPECT_TRUE(at::equal(again.buffers[i], kept.buffers[i])) << i;
}

// Dropout, batch norm over the global batch and recomputation together: any division gives what one
// process gives.
TEST_P(Trained, AnyWorldEqualsOneProcess) {
  const auto& [yaml, input] = GetParam();
  constexpr int64_t kRows = 7;
  const Features x = features(input, kRows);
  const at::Tensor dz = random_rows(kRows, (*made(yaml, input))->output_dim(), 2);
  ForwardMode alone;
  alone.training = true;
  alone.draw = {5, 3, at::arange(kRows)};
  const Pass expected = pass(yaml, input, x, dz, alone);
  for (const int world : {1, 2, 3})
    for (const auto& shares : ways_to_share(kRows, world)) {
      std::vector<Pass> results(shares.size());
      run_ranks(world, [&](const Group& group) {
        const auto rank = static_cast<size_t>(group.rank());
        int64_t begin = 0;
        for (size_t r = 0; r < rank; ++r) begin += shares[r];
        ForwardMode mode = alone;
        mode.recompute = true;
        mode.batch_norm = BatchNormMode::kSync;
        mode.draw.row_b = at::arange(begin, begin + shares[rank]);
        mode.sum_over_ranks = [&group](const at::Tensor& value) {
          at::Tensor sum = value.contiguous().clone();
          group.all_reduce(sum);
          return sum;
        };
        results[rank] =
            pass(yaml, input, part(x, begin, shares[rank]), dz.narrow(0, begin, shares[rank]), mode);
      });
      std::vector<at::Tensor> z;
      for (const auto& result : results) z.push_back(result.z);
      EXPECT_LE(max_relative_error(at::cat(z), expected.z), 1e-11) << world;
      std::vector<at::Tensor> sums = results[0].gradients;
      for (size_t r = 1; r < results.size(); ++r)
        for (size_t i = 0; i < sums.size(); ++i) sums[i] = sums[i] + results[r].gradients[i];
      expect_near(sums, expected.gradients, 1e-9);
      for (size_t i = 0; i < expected.buffers.size(); ++i)
        EXPECT_LE(max_relative_error(results.back().buffers[i], expected.buffers[i]), 1e-11) << world;
    }
}

constexpr const char* kExportedTexts =
    "{name: exported, file: " LODESTONE_TESTS_FOLDER "/encoders/programs/texts-dropout.pt2}";
constexpr const char* kExportedImages =
    "{name: exported, file: " LODESTONE_TESTS_FOLDER "/encoders/programs/convolutions-dropout.pt2}";

INSTANTIATE_TEST_SUITE_P(Exported, Trained,
                         ::testing::Values(std::pair{kExportedTexts, kTexts},
                                           std::pair{kExportedImages, kImages}));

INSTANTIATE_TEST_SUITE_P(Deep, Trained,
                         ::testing::Values(std::pair{kBert, kTexts}, std::pair{kResNet, kImages},
                                           std::pair{"{name: vit_tiny, patch_size: 8, layers: 2}", kImages}));

TEST(Dropout, DropsItsShareAndKeepsTheMean) {
  ForwardMode mode;
  mode.training = true;
  const at::Tensor y = dropout(at::ones({50, 20, 30}), 0.3, 0, mode);
  EXPECT_NEAR((y == 0).to(at::kDouble).mean().item<double>(), 0.3, 0.01);
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.02);
  EXPECT_NEAR(y.max().item<double>(), 1 / 0.7, 1e-6);
}

TEST(Dropout, DependsOnSeedStepSiteAndRowAndNotOnPadding) {
  ForwardMode mode;
  mode.training = true;
  mode.draw = {1, 1, at::arange(8)};
  const at::Tensor x = at::ones({8, 2, 6, 6}), y = dropout(x, 0.5, 0, mode);
  const auto differs = [&](const ForwardMode& how, DropoutSite site) {
    return !at::equal(y, dropout(x, 0.5, site, how));
  };
  EXPECT_FALSE(differs(mode, 0));
  EXPECT_TRUE(differs(mode, 1));
  ForwardMode other = mode;
  other.draw.seed = 2;
  EXPECT_TRUE(differs(other, 0));
  other = mode;
  other.draw.step = 2;
  EXPECT_TRUE(differs(other, 0));
  // Rows 5 and 2 alone, in another order and padded further.
  other = mode;
  other.draw.row_b = integers({5, 2});
  const at::Tensor padded = dropout(at::ones({2, 2, 9, 9}), 0.5, 0, other).narrow(2, 0, 6).narrow(3, 0, 6);
  EXPECT_TRUE(at::equal(padded[0], y[5]));
  EXPECT_TRUE(at::equal(padded[1], y[2]));
  mode.training = false;
  EXPECT_TRUE(at::equal(dropout(x, 0.5, 0, mode), x));
}

TEST(Frozen, ParametersBecomeBuffersWithoutGradient) {
  const auto slot =
      made("{name: resnet18, stem: small, width: 4, frozen: ['conv1.*', 'bn1.*', 'layer[12].*']}", kImages);
  Encoder& encoder = **slot;
  for (const auto& parameter : encoder.parameters().learned())
    EXPECT_TRUE(parameter.name.starts_with("layer3") || parameter.name.starts_with("layer4") ||
                parameter.name.starts_with("head"))
        << parameter.name;
  std::map<std::string, at::Tensor> before;
  for (const auto& buffer : encoder.parameters().buffers()) before[buffer.name] = buffer.tensor.clone();
  ASSERT_TRUE(before.contains("layer1.0.conv1.weight"));
  ForwardMode mode;
  mode.training = true;
  const at::Tensor z = encoder.forward(features(kImages, 4), mode);
  z.backward(random_rows(4, z.size(1), 2).to(at::kFloat));
  for (const auto& buffer : encoder.parameters().buffers()) {
    EXPECT_FALSE(buffer.tensor.grad().defined()) << buffer.name;
    const bool moves = buffer.name.starts_with("layer3") || buffer.name.starts_with("layer4");
    EXPECT_EQ(at::equal(buffer.tensor, before[buffer.name]), !moves) << buffer.name;
  }
}

TEST(Frozen, RefusesGlobsThatMatchNothingOrEverything) {
  EXPECT_THROW(made("{name: mlp, frozen: ['layer1.*']}", kImages), ConfigError);
  EXPECT_THROW(made("{name: mlp, frozen: ['*']}", kImages), ConfigError);
}

}  // namespace
}  // namespace lodestone::testing
