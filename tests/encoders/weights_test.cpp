// Weights in: which file of somebody else's starts an encoder, and which is refused.
#include <fstream>

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "common/safetensors.h"
#include "encoders/made.h"

namespace lodestone::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kMlp = "name: mlp, hidden: [4], embedding: 3";
constexpr const char* kBert = "name: bert, layers: 1, width: 16, heads: 2, intermediate: 24";
constexpr const char* kVit = "name: vit_tiny, patch_size: 8, layers: 1";

class Weights : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path() / name; }
  std::string file(const TensorMap& tensors, const std::string& name = "w.safetensors") const {
    write_safetensors(path(name), tensors);
    return path(name);
  }
  /// The tensors of an encoder like that, with other random weights.
  static TensorMap weights_of(const std::string& yaml, const InputShape& input = kImages) {
    return tensors_of(**made("{" + yaml + "}", input, 9));
  }
  static TensorMap renamed(const TensorMap& tensors, const std::function<std::string(std::string)>& rename) {
    TensorMap all;
    for (const auto& [name, tensor] : tensors) all[rename(name)] = tensor;
    return all;
  }
  static TensorMap behind(const std::string& prefix, const TensorMap& tensors) {
    return renamed(tensors, [&](const std::string& name) { return prefix + name; });
  }

  /// Starts the encoder from the file and compares it with what it should be then.
  WeightsReport load(const std::string& yaml, const std::string& from, const InputShape& input = kImages,
                     const TensorMap& expected = {}) const {
    const auto slot = made("{" + yaml + ", init_from: " + from + "}", input);
    const auto reports = (*slot)->load_initial_weights();
    EXPECT_EQ(reports.size(), 1U);
    const auto now = tensors_of(**slot);
    for (const auto& [name, tensor] : expected) EXPECT_TRUE(at::equal(now.at(name), tensor)) << name;
    return reports.front();
  }
  std::string message(const std::string& yaml, const std::string& from,
                      const InputShape& input = kImages) const {
    try {
      (*made("{" + yaml + ", init_from: " + from + "}", input))->load_initial_weights();
    } catch (const Error& error) {
      return explain(error);
    }
    return "accepted";
  }
  TempFolder folder_;
};

TEST_F(Weights, WhatFitsIsLoadedAndTheRestReportedWhereThatIsAllowed) {
  const TensorMap source = weights_of(kMlp);
  TensorMap tensors = behind("model.", source);
  tensors["model.layers.1.weight"] = at::ones({2, 2});
  tensors["model.layers.1.num_batches_tracked"] = at::ones({1});
  tensors["model.fc.weight"] = at::ones({1});
  tensors["model.extra.weight"] = at::ones({1});
  tensors["other.weight"] = at::ones({1});
  tensors.erase("model.layers.1.bias");
  const auto slot = made(std::string("{") + kMlp +
                             ", init_prefix: model., init_partial: true, init_from: " + file(tensors) + "}",
                         kImages);
  const WeightsReport report = (*slot)->load_initial_weights().front();
  EXPECT_THAT(report.matched, ElementsAre("layers.0.weight", "layers.0.bias"));
  EXPECT_THAT(report.missing, ElementsAre("layers.1.bias"));
  EXPECT_THAT(report.unexpected, ElementsAre("model.extra.weight"));
  EXPECT_THAT(report.head_left_out, ElementsAre("model.fc.weight"));
  EXPECT_THAT(report.unfit, ElementsAre("layers.1.weight (theirs [2, 2], ours [3, 4])"));
  EXPECT_FALSE(report.whole());
  EXPECT_THAT(report.sentence(),
              AllOf(HasSubstr("2 tensors matched"), HasSubstr("start at random: 1 (layers.1.bias)")));
  EXPECT_TRUE(at::equal(tensors_of(**slot).at("layers.0.weight"), source.at("layers.0.weight")));
  EXPECT_EQ(message(std::string(kMlp) + ", init_partial: false, init_prefix: model.", path("w.safetensors"))
                .find("accepted"),
            std::string::npos);
}

// google-bert's own file: TensorFlow's names of a norm, a prefix, and the heads that it was trained with.
TEST_F(Weights, OlderNamesOfNormsAreTheSameTensors) {
  const TensorMap source = weights_of(kBert, kTexts);
  TensorMap tensors = renamed(behind("bert.", source), [](std::string name) {
    if (const size_t at = name.find("Norm.weight"); at != std::string::npos)
      name.replace(at, 11, "Norm.gamma");
    if (const size_t at = name.find("Norm.bias"); at != std::string::npos) name.replace(at, 9, "Norm.beta");
    return name;
  });
  tensors["cls.predictions.transform.LayerNorm.gamma"] = at::ones({16});
  tensors["bert.pooler.dense.weight"] = at::ones({16, 16});
  tensors["bert.embeddings.position_ids"] = at::zeros({1, 16}, at::kLong);
  const WeightsReport report = load(kBert, file(tensors), kTexts, source);
  EXPECT_TRUE(report.whole());
  EXPECT_EQ(report.prefix, "bert.");
  EXPECT_EQ(report.older, 6);
  EXPECT_EQ(report.matched.size(), source.size());
  EXPECT_THAT(report.head_left_out,
              ::testing::UnorderedElementsAre("bert.pooler.dense.weight",
                                              "cls.predictions.transform.LayerNorm.gamma"));
  EXPECT_THAT(report.sentence(), AllOf(HasSubstr("behind 'bert.'"), HasSubstr("6 by an older name")));
  // A tensor under both names: the present one counts, and the other is left over.
  tensors["bert.embeddings.LayerNorm.weight"] = at::ones({16});
  EXPECT_THAT(message(kBert, file(tensors), kTexts), HasSubstr("bert.embeddings.LayerNorm.gamma"));
}

TEST_F(Weights, APrefixIsFoundByItself) {
  const TensorMap source = weights_of(kMlp);
  for (const std::string prefix :
       {"", "module.", "encoder.", "model.backbone.", "_orig_mod.module.", "teacher.0."})
    EXPECT_EQ(load(kMlp, file(behind(prefix, source)), kImages, source).prefix, prefix);
  // A copy of the model beside it: nobody can tell which is meant.
  TensorMap two = behind("encoder_q.", source);
  for (const auto& [name, tensor] : source) two["encoder_k." + name] = at::zeros_like(tensor);
  EXPECT_THAT(message(kMlp, file(two)),
              AllOf(HasSubstr("'encoder_k.'"), HasSubstr("'encoder_q.'"), HasSubstr("init_prefix")));
  load(std::string(kMlp) + ", init_prefix: encoder_q.", file(two), kImages, source);
  // Names as they are come first; the copy is left over then.
  TensorMap plain = source;
  for (const auto& [name, tensor] : source) plain["ema." + name] = at::zeros_like(tensor);
  EXPECT_THAT(message(kMlp, file(plain)), HasSubstr("ema.layers.0.weight"));
  load(std::string(kMlp) + ", init_partial: true", file(plain), kImages, source);
}

TEST_F(Weights, WhatIsMissingLeftOverOrOfAnotherShapeIsRefused) {
  const auto changed = [&](const std::function<void(TensorMap&)>& change) {
    TensorMap tensors = weights_of(kMlp);
    change(tensors);
    return message(kMlp, file(tensors));
  };
  EXPECT_THAT(changed([](TensorMap& t) { t.erase("layers.0.bias"); }),
              AllOf(HasSubstr("3 tensors matched"), HasSubstr("layers.0.bias"), HasSubstr("init_partial")));
  EXPECT_THAT(changed([](TensorMap& t) { t["layers.2.weight"] = at::ones({1}); }),
              HasSubstr("layers.2.weight"));
  EXPECT_THAT(changed([](TensorMap& t) { t["layers.0.bias"] = at::ones({5}); }),
              HasSubstr("theirs [5], ours [4]"));
  EXPECT_THAT(changed([](TensorMap& t) { t["layers.0.bias"] = at::ones({4}, at::kChar); }),
              HasSubstr("quantised"));
  EXPECT_THAT(changed([](TensorMap& t) { t["a\nb"] = at::ones({1}); }), HasSubstr("a\\nb"));
  EXPECT_THAT(changed([](TensorMap& t) {
                t = {{"a", at::ones({1})}};
              }),
              AllOf(HasSubstr("init_prefix"), Not(HasSubstr("init_partial: true"))));
  EXPECT_EQ(changed([](TensorMap& t) { t["queue_ptr"] = at::ones({1}, at::kLong); }), "accepted");
}

TEST_F(Weights, SettingsWithoutAFileHaveNoEffectAndAreRefused) {
  EXPECT_THROW(made("{name: mlp, init_partial: true}", kImages), ConfigError);
  EXPECT_THROW(made("{name: mlp, init_prefix: bert.}", kImages), ConfigError);
}

TEST_F(Weights, NothingIsCopiedOutOfAFileThatIsRefused) {
  TensorMap tensors = weights_of(kMlp);
  tensors.erase("layers.1.bias");
  const auto slot = made(std::string("{") + kMlp + ", init_from: " + file(tensors) + "}", kImages);
  const auto before = tensors_of(**slot).at("layers.0.weight").clone();
  EXPECT_THROW((*slot)->load_initial_weights(), ConfigError);
  EXPECT_TRUE(at::equal(tensors_of(**slot).at("layers.0.weight"), before));
}

TEST_F(Weights, HeadsMayDiffer) {
  const std::string resnet = "name: resnet18, stem: small, width: 4, head: {kind: ";
  TensorMap tensors = weights_of(resnet + "none}");
  tensors["fc.weight"] = at::ones({10, 32});
  WeightsReport report = load(resnet + "linear, embedding: 8}", file(tensors));
  EXPECT_TRUE(report.whole());
  EXPECT_THAT(report.new_head, ElementsAre("head.weight", "head.bias"));
  EXPECT_THAT(report.head_left_out, ElementsAre("fc.weight"));
  report = load(resnet + "linear, embedding: 5}", file(weights_of(resnet + "linear, embedding: 8}")));
  EXPECT_THAT(report.new_head, ::testing::Contains("head.weight (theirs [8, 32], ours [5, 32])"));
  TensorMap classifier = weights_of(kVit);
  classifier["head.weight"] = at::ones({1000, 192});
  EXPECT_TRUE(load(kVit, file(classifier)).whole());
  for (const char* part : {"pooler.dense.weight", "cls.seq_relationship.bias", "classifier.weight",
                           "mlm.bias", "qa_outputs.weight"}) {
    TensorMap texts = weights_of(kBert, kTexts);
    texts[part] = at::ones({2});
    EXPECT_THAT(load(kBert, file(texts), kTexts).head_left_out, ElementsAre(part));
  }
  EXPECT_THAT(
      load(std::string(kBert) + ", pooling: pooler", file(weights_of(kBert, kTexts)), kTexts).new_head,
      ElementsAre("pooler.dense.weight", "pooler.dense.bias"));
}

TEST_F(Weights, AnotherKindOfNetworkIsNamed) {
  const auto with = [&](const std::string& part) {
    TensorMap tensors = weights_of(kVit);
    tensors[part] = at::ones({192});
    return message(kVit, file(tensors));
  };
  EXPECT_THAT(with("blocks.0.ls1.gamma"), HasSubstr("LayerScale (blocks.0.ls1.gamma)"));
  EXPECT_THAT(with("reg_token"), HasSubstr("register tokens"));
  EXPECT_THAT(with("blocks.0.attn.q_norm.weight"), HasSubstr("norms of queries and keys"));
  EXPECT_THAT(with("norm_pre.weight"), HasSubstr("a norm before the blocks"));
  EXPECT_THAT(with("dist_token"), HasSubstr("a distillation token"));
  TensorMap rotary = weights_of(kVit);  // as DINOv3
  rotary.erase("pos_embed");
  rotary.erase("blocks.0.attn.qkv.bias");
  EXPECT_THAT(message(kVit, file(rotary)), AllOf(HasSubstr("no learned positions (pos_embed)"),
                                                 HasSubstr("no biases of queries and keys")));
}

TEST_F(Weights, TypesThatAreNotReadMatterWhereTheyAreNeeded) {
  const auto put = [&](const std::string& more) {
    const std::string file = encode_safetensors(weights_of(kMlp));
    uint64_t length = 0;
    for (int i = 7; i >= 0; --i)
      length = length << 8 | static_cast<unsigned char>(file[static_cast<size_t>(i)]);
    const uint64_t data = file.size() - 8 - length;
    std::string header = file.substr(8, length);
    header.replace(header.rfind('}'), 1,
                   "," + more + ":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[" +
                       std::to_string(data) + "," + std::to_string(data + 4) + "]}}");
    std::string whole;
    for (int i = 0; i < 8; ++i) whole += static_cast<char>(header.size() >> (8 * i));
    std::ofstream(path("u.safetensors"), std::ios::binary)
        << whole << header << file.substr(8 + length) << "1234";
    return path("u.safetensors");
  };
  EXPECT_THAT(load(kMlp, put("\"scale\"")).no_weights, ElementsAre("scale"));
  EXPECT_THROW(read_safetensors(path("u.safetensors")), CheckpointError);
  EXPECT_THAT(message(std::string(kMlp) + ", init_prefix: ''", put("\"model.layers.0.weight\"")), "accepted");
  EXPECT_THAT(message("name: mlp, hidden: [4, 4], embedding: 3", put("\"layers.2.bias\"")),
              HasSubstr("layers.2.bias (theirs F8_E4M3, which is not read here)"));
}

TEST_F(Weights, OfATowerAreNamedAsItsOwn) {
  TensorMap tensors = weights_of("name: mlp");
  const auto tower = [&] {
    return "{name: two_tower, image: {name: mlp, init_from: " + file(tensors) +
           "}, text: {name: bag_of_tokens}}";
  };
  const auto slot = made(tower(), kBoth);
  EXPECT_EQ((*slot)->load_initial_weights().size(), 1U);
  EXPECT_TRUE(at::equal(tensors_of(**slot).at("image.layers.0.weight"), tensors.at("layers.0.weight")));
  tensors.erase("layers.0.weight");
  EXPECT_THROW((*made(tower(), kBoth))->load_initial_weights(), ConfigError);
}

TEST_F(Weights, BertReadsItsSizesBesideTheWeights) {
  std::ofstream(path("config.json"))
      << R"({"model_type": "bert", "num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 2,
    "intermediate_size": 12, "vocab_size": 60, "max_position_embeddings": 20, "hidden_dropout_prob": 0, "layer_norm_eps": 1e-5})";
  for (const std::string& from : {path("w.safetensors"), folder_.path().string()}) {
    const auto slot = made("{name: bert, intermediate: 10, init_from: " + from + "}", kTexts);
    const auto tensors = tensors_of(**slot);
    EXPECT_EQ(tensors.at("embeddings.word_embeddings.weight").sizes(), (at::IntArrayRef{60, 8}));
    EXPECT_EQ(tensors.at("encoder.layer.0.intermediate.dense.weight").sizes(), (at::IntArrayRef{10, 8}));
  }
  for (const char* wrong : {"{", "[]", R"({"num_hidden_layers": "many"})", R"({"model_type": "gpt2"})",
                            R"({"hidden_size": 0})", R"({"hidden_size": 96.5})", R"({"vocab_size": 1e300})",
                            R"({"hidden_size": 9223372036854775807, "num_attention_heads": 1})"}) {
    std::ofstream(path("config.json")) << wrong;
    EXPECT_NE(message("name: bert", path("w.safetensors"), kTexts), "accepted") << wrong;
  }
}

TEST_F(Weights, PositionsOfAVitAreResized) {
  const TensorMap source = weights_of("name: vit_tiny, patch_size: 4, layers: 1");
  const auto slot =
      made("{name: vit_tiny, patch_size: 4, layers: 1, init_from: " + file(source) + "}", {1, 32, 24});
  EXPECT_TRUE((*slot)->load_initial_weights().front().whole());
  EXPECT_TRUE(
      at::equal(tensors_of(**slot).at("pos_embed").select(1, 0), source.at("pos_embed").select(1, 0)));
}

}  // namespace
}  // namespace lodestone::testing
