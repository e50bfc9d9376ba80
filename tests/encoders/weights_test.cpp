// Weights in and out: files to start from, TorchScript both ways.
#include <fstream>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "common/files.h"
#include "common/safetensors.h"
#include "encoders/made.h"
#include "trainer/encoders/torchscript_export.h"

namespace lodestone::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TensorMap tensors_of(Encoder& encoder) {
  TensorMap all;
  for (const auto* list : {&encoder.parameters().learned(), &encoder.parameters().buffers()})
    for (const auto& parameter : *list) all[parameter.name] = parameter.tensor.detach();
  return all;
}

class Weights : public ::testing::Test {
 protected:
  std::string file(const TensorMap& tensors) const {
    write_safetensors(folder_.path() / "w.safetensors", tensors);
    return folder_.path() / "w.safetensors";
  }
  std::string path(const char* name) const { return folder_.path() / name; }
  std::string message(const std::string& yaml, const InputShape& input = kPictures) const {
    try {
      (*made(yaml, input))->load_initial_weights();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  TempFolder folder_;
};

TEST_F(Weights, LoadByNameAndSayWhatFitted) {
  const auto source = made("{name: mlp, hidden: [4], embedding: 3}", kPictures, 9);
  TensorMap tensors;
  for (const auto& [name, tensor] : tensors_of(**source)) tensors["model." + name] = tensor;
  tensors["model.layers.1.weight"] = at::ones({2, 2});
  tensors["model.layers.1.num_batches_tracked"] = at::ones({1});
  tensors["model.fc.weight"] = at::ones({1});
  tensors["other.weight"] = at::ones({1});
  tensors.erase("model.layers.1.bias");
  const auto slot =
      made("{name: mlp, hidden: [4], embedding: 3, init_prefix: model., init_from: " + file(tensors) + "}",
           kPictures);
  const auto reports = (*slot)->load_initial_weights();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(reports[0].matched, ElementsAre("layers.0.weight", "layers.0.bias"));
  EXPECT_THAT(reports[0].missing, ElementsAre("layers.1.bias"));
  EXPECT_THAT(reports[0].unexpected, ElementsAre("fc.weight"));
  EXPECT_THAT(reports[0].other_shape, ElementsAre("layers.1.weight (theirs [2, 2], ours [3, 4])"));
  EXPECT_THAT(reports[0].sentence(), HasSubstr("2 tensors matched"));
  EXPECT_TRUE(
      at::equal(tensors_of(**slot).at("layers.0.weight"), tensors_of(**source).at("layers.0.weight")));
}

TEST_F(Weights, RefuseFilesThatFitNowhere) {
  const std::string nothing = file({{"a", at::ones({1})}});
  EXPECT_THAT(message("{name: mlp, init_from: " + nothing + "}"), HasSubstr("init_prefix"));
  std::ofstream(path("w.safetensors")) << "no weights";
  EXPECT_THAT(message("{name: mlp, init_from: " + nothing + "}"), HasSubstr("w.safetensors"));
  EXPECT_THROW((*made("{name: mlp, init_from: /nowhere/w.safetensors}", kPictures))->load_initial_weights(),
               IoError);
}

TEST_F(Weights, OfATowerAreNamedAsItsOwn) {
  const auto source = made("{name: mlp}", kPictures, 9);
  const std::string weights = file(tensors_of(**source));
  const auto slot =
      made("{name: two_tower, image: {name: mlp, init_from: " + weights + "}, text: {name: bag_of_tokens}}",
           kBoth);
  EXPECT_EQ((*slot)->load_initial_weights().size(), 1U);
  EXPECT_TRUE(
      at::equal(tensors_of(**slot).at("image.layers.0.weight"), tensors_of(**source).at("layers.0.weight")));
}

TEST_F(Weights, BertReadsItsSizesBesideTheWeights) {
  std::ofstream(path("config.json"))
      << R"({"model_type": "bert", "num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 2,
    "intermediate_size": 12, "vocab_size": 60, "max_position_embeddings": 20, "hidden_dropout_prob": 0, "layer_norm_eps": 1e-5})";
  const auto slot = made("{name: bert, intermediate: 10, init_from: " + path("w.safetensors") + "}", kTexts);
  const TensorMap tensors = tensors_of(**slot);
  EXPECT_EQ(tensors.at("embeddings.word_embeddings.weight").sizes(), (at::IntArrayRef{60, 8}));
  EXPECT_EQ(tensors.at("encoder.layer.0.intermediate.dense.weight").sizes(), (at::IntArrayRef{10, 8}));
  for (const char* wrong : {"{", "[]", R"({"num_hidden_layers": "many"})", R"({"model_type": "gpt2"})",
                            R"({"hidden_size": 0})"}) {
    std::ofstream(path("config.json")) << wrong;
    EXPECT_NE(message("{name: bert, init_from: " + path("w.safetensors") + "}", kTexts), "accepted") << wrong;
  }
}

TEST_F(Weights, PositionsOfAVitAreResized) {
  const auto source = made("{name: vit_tiny, patch_size: 4, layers: 1}", kPictures, 9);
  const std::string weights = file(tensors_of(**source));
  const auto slot =
      made("{name: vit_tiny, patch_size: 4, layers: 1, init_from: " + weights + "}", {1, 32, 24});
  const auto report = (*slot)->load_initial_weights().front();
  EXPECT_TRUE(report.other_shape.empty()) << report.sentence();
  EXPECT_TRUE(at::equal(tensors_of(**slot).at("pos_embed").select(1, 0),
                        tensors_of(**source).at("pos_embed").select(1, 0)));
}

struct Exported {
  const char* yaml;
  InputShape input;
};

class Script : public Weights, public ::testing::WithParamInterface<Exported> {};

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
  const TensorMap ours = tensors_of(**slot);
  size_t named = 0;
  for (const auto& parameter : module.named_parameters()) named += ours.contains(parameter.name);
  for (const auto& buffer : module.named_buffers()) named += ours.contains(buffer.name);
  EXPECT_EQ(named, ours.size());
}

INSTANTIATE_TEST_SUITE_P(
    All, Script,
    ::testing::Values(
        Exported{"{name: conv4}", kPictures}, Exported{"{name: mlp}", kPictures},
        Exported{"{name: resnet18, width: 16, pooling: gem, head: {kind: mlp, hidden: [8], norm: batch}}",
                 kPictures},
        Exported{"{name: vit_tiny, patch_size: 8, layers: 1}", kPictures},
        Exported{"{name: bag_of_tokens, head: {kind: linear}}", kTexts},
        Exported{"{name: bert, layers: 1, width: 16, heads: 2}", kTexts},
        Exported{
            "{name: two_tower, image: {name: conv4}, text: {name: bert, layers: 1, width: 16, heads: 2}}",
            kBoth}));

TEST_F(Weights, AnExportedModelIsTrainedAsAnEncoder) {
  const auto source = made("{name: conv4}", kPictures, 9);
  export_torchscript(**source, kPictures, path("m.pt"), {});
  const auto slot = made("{name: torchscript, file: " + path("m.pt") + "}", kPictures);
  Encoder& encoder = **slot;
  EXPECT_EQ(encoder.output_dim(), 64);
  EXPECT_EQ(tensors_of(encoder).size(), tensors_of(**source).size());
  for (const int64_t rows : {0, 5}) {
    const Features x = features(kPictures, rows);
    const at::Tensor z = encoder.forward(x, {});
    EXPECT_LE(max_relative_error(z.detach(), (*source)->forward(x, {}).detach()), 1e-5);
    z.backward(at::ones(z.sizes()));
  }
  for (const auto& parameter : encoder.parameters().learned())
    EXPECT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
  // Its file again, with weights changed.
  encoder.parameters().learned().back().tensor.data().add_(1);
  export_torchscript(encoder, kPictures, path("again.pt"), {});
  const Features x = features(kPictures, 3);
  const at::Tensor again = torch::jit::load(path("again.pt")).forward({x.pixels_nCHW}).toTensor();
  EXPECT_LE(max_relative_error(again.detach(), ((*source)->forward(x, {}) + 1).detach()), 1e-5);
}

TEST_F(Weights, ATorchScriptFileThatIsNoneIsRefused) {
  std::ofstream(path("m.pt")) << "nothing";
  EXPECT_THROW(made("{name: torchscript, file: " + path("m.pt") + "}", kPictures), DataError);
  EXPECT_THROW(made("{name: torchscript}", kPictures), ConfigError);
  export_torchscript(**made("{name: mlp}", kPictures), kPictures, path("m.pt"), {});
  EXPECT_THROW(made("{name: torchscript, file: " + path("m.pt") + "}", InputShape{1, 9, 9}), ConfigError);
}

}  // namespace
}  // namespace lodestone::testing
