// Folders of other libraries: the record beside a program, weights in shards, adapters, modules. Whole
// folders, in their libraries: tests/tools.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/paths.h"
#include "trainer/encoders/weights_files.h"
#include "trainer/run/hub/export_record.h"
#include "trainer/run/hub/hub_weights.h"
#include "trainer/run/hub/sentence_modules.h"

namespace lodestone::run {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string record(const std::string& file, int version = 1) {
  return json({{"version", version},
               {"kind", "transformers"},
               {"source", "/models/bert"},
               {"programs", {{"encoder.pt2", {{"files", {{file, {{"theirs", "ours"}}}}}}}}}})
      .dump();
}

TEST(ExportRecord, IsReadAndItsFilesStayInTheFolder) {
  const ExportRecord read = parse_export_record(record("2_Dense/model.safetensors"), "export.json");
  EXPECT_EQ(read.source, "/models/bert");
  EXPECT_EQ(read.programs.at("encoder.pt2").files.at("2_Dense/model.safetensors").at("theirs"), "ours");
  for (const std::string& text :
       {record("../other/model.safetensors"), record("/etc/model.safetensors"), record("config.json"),
        record(""), record("model.safetensors", 2), std::string("[]"), std::string("{"),
        std::string(R"({"version": 1, "kind": 3})")})
    EXPECT_THROW(parse_export_record(text, "export.json"), DataError) << text;
}

TEST(HubWeights, AreReadAgainFromTheirShards) {
  const TempFolder folder;
  const TensorMap tensors = {
      {"a", at::arange(6.0).reshape({2, 3})}, {"b", at::arange(4)}, {"c", at::ones({5})}};
  write_weights(folder.path() / "model.safetensors", tensors, 40);
  EXPECT_FALSE(is_file(folder.path() / "model.safetensors"));
  EXPECT_TRUE(is_file(folder.path() / "model-00001-of-00003.safetensors"));
  const auto index = encoders::weights_file(folder.path());
  const auto read = encoders::read_weights(index).tensors;
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(read.at(name).equal(tensor)) << name;

  const TensorMap ours = {{"x.a", at::ones({2, 3})}};
  const TensorMap replaced = with_trained_weights(index, {{"a", "x.a"}}, ours, at::kBFloat16);
  EXPECT_EQ(replaced.at("a").scalar_type(), at::kBFloat16);
  EXPECT_EQ(replaced.at("b").scalar_type(), at::kLong);
  EXPECT_TRUE(replaced.at("a").to(at::kFloat).equal(ours.at("x.a")));
  EXPECT_THROW(with_trained_weights(index, {{"c", "x.a"}}, ours, at::kFloat), DataError);
  EXPECT_THROW(with_trained_weights(index, {{"none", "x.a"}}, ours, at::kFloat), DataError);
  EXPECT_THROW(with_trained_weights(index, {{"a", "x.none"}}, ours, at::kFloat), DataError);
}

TEST(HubWeights, AdaptersAreMergedOrAlone) {
  const Adapters adapters{.scaling = 2, .prefix = "model.", .layers = {"model.query"}, .config = {}};
  const at::Tensor a = at::arange(3.0).reshape({1, 3}), b = at::arange(2.0).reshape({2, 1});
  TensorMap ours = {{"model.query.base_layer.weight", at::ones({2, 3})},
                    {"model.query.lora_A.default.weight", a},
                    {"model.query.lora_B.default.weight", b}};
  const TensorMap alone = adapters_alone(adapters, ours, at::kFloat);
  EXPECT_EQ(alone.size(), 2U);
  EXPECT_TRUE(alone.at("base_model.model.query.lora_A.weight").equal(a));
  merge_adapters(adapters, ours);
  EXPECT_TRUE(ours.at("model.query.base_layer.weight").equal(1 + 2 * at::matmul(b, a)));
  ours.erase("model.query.lora_B.default.weight");
  EXPECT_THROW(merge_adapters(adapters, ours), DataError);
}

TEST(SentenceModules, NormalizeIsThereIfAndOnlyIfTheModelNormalizes) {
  const TempFolder folder;
  const auto modules = [&folder] { return json::parse(read_file(folder.path() / "modules.json")); };
  write_sentence_modules(folder.path(), {.pooling = "cls", .width = 8, .max_tokens = 32, .normalize = false});
  EXPECT_EQ(modules().size(), 2U);
  const json pooling = json::parse(read_file(folder.path() / "1_Pooling" / "config.json"));
  EXPECT_TRUE(pooling.at("pooling_mode_cls_token").get<bool>());
  EXPECT_FALSE(pooling.at("pooling_mode_mean_tokens").get<bool>());
  adjust_sentence_modules(folder.path(), true, 16);
  EXPECT_EQ(modules().size(), 3U);
  EXPECT_THAT(modules().back().at("type").get<std::string>(), HasSubstr("Normalize"));
  adjust_sentence_modules(folder.path(), false, 16);
  EXPECT_EQ(modules().size(), 2U);
  EXPECT_EQ(json::parse(read_file(folder.path() / "sentence_bert_config.json")).at("max_seq_length"), 16);
  write_file_synced(folder.path() / "modules.json", "{}");
  EXPECT_THROW(adjust_sentence_modules(folder.path(), true, 16), DataError);
}

}  // namespace
}  // namespace lodestone::run
