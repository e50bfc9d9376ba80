// Weights out: TorchScript both ways.
#include <fstream>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "common/files.h"
#include "encoders/made.h"
#include "support/texts.h"
#include "trainer/encoders/torchscript_export.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

using ::testing::HasSubstr;

class Export : public ::testing::Test {
 protected:
  std::string path(const char* name) const { return folder_.path() / name; }
  TempFolder folder_;
};

struct Exported {
  const char* yaml;
  InputShape input;
};

class Script : public Export, public ::testing::WithParamInterface<Exported> {};

TEST_P(Script, ComputesWhatTheEncoderDoesForAnySize) {
  const at::NoGradGuard no_grad;
  const auto slot = made(GetParam().yaml, GetParam().input);
  const InputShape& input = GetParam().input;
  export_torchscript(**slot, input, path("m.pt"), {{"about", "a test"}});
  torch::jit::ExtraFilesMap extra{{"about", ""}};
  torch::jit::Module module = torch::jit::load(path("m.pt"), std::nullopt, extra);
  EXPECT_EQ(extra["about"], "a test");
  for (const int64_t rows : {0, 1, 4, 9}) {
    for (const int64_t length : {1, 5, 12}) {
      const Features x = features({input.channels, input.height, input.width, 0, 0}, rows),
                     t = features({0, 0, 0, input.vocabulary, 12}, rows, length);
      if (input.channels > 0) {
        const at::Tensor got =
            module.get_method(input.vocabulary > 0 ? "encode_image" : "forward")({x.pixels_nCHW}).toTensor();
        EXPECT_LE(max_relative_error(got, (*slot)->forward(x, {})), 1e-5) << rows;
      }
      if (input.vocabulary > 0) {
        const at::Tensor got =
            module.get_method(input.channels > 0 ? "encode_text" : "forward")({t.tokens_nT, t.mask_nT})
                .toTensor();
        EXPECT_LE(max_relative_error(got, (*slot)->forward(t, {})), 1e-5) << rows << " of " << length;
      }
    }
  }
  const auto ours = tensors_of(**slot);
  size_t named = 0;
  for (const auto& parameter : module.named_parameters()) named += ours.contains(parameter.name);
  for (const auto& buffer : module.named_buffers()) named += ours.contains(buffer.name);
  EXPECT_EQ(named, ours.size());
}

INSTANTIATE_TEST_SUITE_P(
    All, Script,
    ::testing::Values(
        Exported{"{name: conv4}", kImages}, Exported{"{name: mlp}", kImages},
        Exported{"{name: resnet18, width: 16, pooling: gem, head: {kind: mlp, hidden: [8], norm: batch}}",
                 kImages},
        Exported{"{name: vit_tiny, patch_size: 8, layers: 1}", kImages},
        Exported{"{name: bag_of_tokens, head: {kind: linear}}", kTexts},
        Exported{"{name: bert, layers: 1, width: 16, heads: 2}", kTexts},
        Exported{
            "{name: two_tower, image: {name: conv4}, text: {name: bert, layers: 1, width: 16, heads: 2}}",
            kBoth}));

TEST_F(Export, AnExportedModelIsTrainedAsAnEncoder) {
  const auto source = made("{name: conv4}", kImages, 9);
  export_torchscript(**source, kImages, path("m.pt"), {});
  const auto slot = made("{name: torchscript, file: " + path("m.pt") + "}", kImages);
  Encoder& encoder = **slot;
  EXPECT_EQ(encoder.output_dim(), 64);
  EXPECT_EQ(tensors_of(encoder).size(), tensors_of(**source).size());
  for (const int64_t rows : {0, 5}) {
    const Features x = features(kImages, rows);
    const at::Tensor z = encoder.forward(x, {});
    EXPECT_LE(max_relative_error(z.detach(), (*source)->forward(x, {}).detach()), 1e-5);
    z.backward(at::ones(z.sizes()));
  }
  for (const auto& parameter : encoder.parameters().learned())
    EXPECT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
  // Its file again, with weights changed.
  encoder.parameters().learned().back().tensor.data().add_(1);
  export_torchscript(encoder, kImages, path("again.pt"), {});
  const Features x = features(kImages, 3);
  const at::Tensor again = torch::jit::load(path("again.pt")).forward({x.pixels_nCHW}).toTensor();
  EXPECT_LE(max_relative_error(again.detach(), ((*source)->forward(x, {}) + 1).detach()), 1e-5);
}

TEST_F(Export, ATorchScriptFileThatIsNoneIsRefused) {
  const auto refusal = [&](const std::string& bytes) {
    std::ofstream(path("m.pt")) << bytes;
    return message_of<DataError>([&] { made("{name: torchscript, file: " + path("m.pt") + "}", kImages); });
  };
  EXPECT_THAT(refusal("encoder: conv4\n"), HasSubstr("got a file of another kind"));
  EXPECT_THAT(refusal("\x89PNG and so on"), HasSubstr("got a PNG image"));
  EXPECT_THAT(refusal("PK\x03\x04 and so on"), HasSubstr("got: "));
  EXPECT_THROW(made("{name: torchscript}", kImages), ConfigError);
  export_torchscript(**made("{name: mlp}", kImages), kImages, path("m.pt"), {});
  EXPECT_THROW(made("{name: torchscript, file: " + path("m.pt") + "}", InputShape{1, 9, 9}), ConfigError);
}

}  // namespace
}  // namespace lodestone::testing
