// What the configuration in a checkpoint, which may be a stranger's, may do.
#include "trainer/run/checkpoint_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "support/texts.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/run_config.h"

namespace lodestone::testing {
using namespace coordinator;
using namespace run;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr const char* kScript = "encoder: {name: torchscript, file: m.pt}\n";

struct Read {
  RunConfig config{Tables()};
  Read(const std::string& yaml, const Words& assignments, bool allow_code,
       const std::map<std::string, std::string>& code = {}) {
    Checkpoint checkpoint;
    checkpoint.path = "stranger/checkpoints/step-00000001";
    checkpoint.config_yaml = yaml;
    checkpoint.code = code;
    read_checkpoint_config(checkpoint, assignments, allow_code, config);
  }
};

std::string refusal(const std::string& yaml, const Words& assignments = {}) {
  return message_of<ConfigError>([&] { Read(yaml, assignments, false); });
}

TEST(CheckpointConfig, NamesNoCodeByItself) {
  EXPECT_THAT(refusal(kScript), AllOf(HasSubstr("m.pt"), HasSubstr("--allow-code"), HasSubstr("stranger")));
  EXPECT_THAT(refusal("data: {kind: image_texts}\nsampler: {name: two_views}\nencoder: {name: two_tower, "
                      "image: {name: torchscript, "
                      "file: i.pt}, text: {name: torchscript, file: t.pt}}\n",
                      {"encoder.image.file=i.pt"}),
              HasSubstr("--set 'encoder.text.file=t.pt'"));
  EXPECT_THAT(refusal("encoder: {name: torchscript, file: \"a b's.pt\"}\n"),
              HasSubstr("--set 'encoder.file=a b'\\''s.pt'"));
  // No word of the user's means the file but the file's own key.
  for (const char* word : {"data.train.path=m.pt", "run_dir=m.pt", "data.root=m.pt", "encoder.init_from=m.pt",
                           "evaluate.data.path=m.pt"})
    EXPECT_THAT(refusal(kScript, {word}), HasSubstr("--allow-code")) << word;
  EXPECT_THAT(refusal("encoder: {name: torchscript, file: .}\n", {"encoder.frozen=[a.b]"}),
              HasSubstr("--allow-code"));
  EXPECT_EQ(refusal("encoder: {name: mlp}\n"), "no error");
}

// Runs of a snapshot before other_columns trained on tables with more columns than they read.
TEST(CheckpointConfig, IgnoresOtherColumnsUnlessTheRunRefusedThem) {
  const Read old("loss: triplet\n", {}, false);
  EXPECT_EQ(old.config.data.train.other_columns, sampler::OtherColumns::kIgnore);
  EXPECT_EQ(old.config.evaluate.text.other_columns, sampler::OtherColumns::kIgnore);
  EXPECT_TRUE(old.config.data.text.layout.refuse_roles && old.config.evaluate.text.refuse_roles);
  const Read said("data: {kind: texts, text: {other_columns: ignore}}\n",
                  {"evaluate.text.other_columns=ignore"}, false);
  EXPECT_FALSE(said.config.data.text.layout.refuse_roles || said.config.evaluate.text.refuse_roles);
  const Read newer("data: {kind: texts, text: {other_columns: refuse}}\n", {}, false);
  EXPECT_EQ(newer.config.data.text.layout.other_columns, sampler::OtherColumns::kRefuse);
  EXPECT_FALSE(newer.config.evaluate.text.refuse_roles);
}

// A list may be named later, by --input or --set.
TEST(CheckpointConfig, ARunOnFoldersKeepsWhatCountsForLists) {
  RunConfig config{Tables()};
  const std::string file = "data: {train: {path: a}}\nevaluate: {data: {path: b}}\n";
  read_run_config(parse_yaml(file, "run.yaml"), {}, "run", config);
  const std::string kept = write_yaml([&](Fields& f) { config.visit(f); });
  const Read read(kept, {"evaluate.data.split=test"}, false);
  EXPECT_EQ(read.config.evaluate.data.split, "test");
  EXPECT_EQ(read.config.evaluate.data.other_columns, sampler::OtherColumns::kRefuse);
  EXPECT_EQ(read.config.data.train.other_columns, sampler::OtherColumns::kRefuse);
  EXPECT_THAT(message_of<ConfigError>([&] { Read(kept, {"data.train.split=test"}, false); }),
              HasSubstr("data.train.split: has no effect"));
}

TEST(CheckpointConfig, TakesCodeThatTheUserNamesOrAllows) {
  EXPECT_TRUE(Read(kScript, {}, true, {{"m.pt", "12"}}).config.code.allowed);
  EXPECT_EQ(Read(kScript, {}, true, {{"m.pt", "12"}}).config.code.hash_of.at("m.pt"), "12");
  for (const Words& words : {Words{"encoder.file=m.pt"}, Words{"encoder={name: torchscript, file: m.pt}"},
                             Words{"encoder.file=mine.pt"}}) {
    const RunConfig& config = Read(kScript, words, false).config;
    EXPECT_TRUE(config.code.allowed);
    EXPECT_TRUE(config.code.hash_of.empty());
  }
}

TEST(CheckpointConfig, BuildsNoCodeThatNobodyAllowed) {
  RunConfig config{Tables()};
  read_run_config(parse_yaml(kScript, "somewhere"), {}, "x", config);
  EXPECT_THAT(message_of<ConfigError>([&] { build_encoder(config, *config.encoder); }),
              HasSubstr("encoder.file"));
}

TEST(CheckpointConfig, WritesNoIndexesWhereItSays) {
  const std::string foreign =
      "data: {train: {index_cache: /victim}}\nevaluate: {data: {index_cache: /victim}}\n";
  const RunConfig config = std::move(Read(foreign, {}, false).config);
  EXPECT_EQ(config.data.train.index_cache.setting(), "auto");
  EXPECT_EQ(config.evaluate.data.index_cache.setting(), "auto");
  EXPECT_EQ(
      Read("evaluate: {data: {index_cache: none}}\n", {}, false).config.evaluate.data.index_cache.setting(),
      "none");
  EXPECT_EQ(
      Read(foreign, {"evaluate.data.index_cache=/mine"}, false).config.evaluate.data.index_cache.setting(),
      "/mine");
  EXPECT_EQ(
      Read(foreign, {"data.train.index_cache=/victim"}, false).config.evaluate.data.index_cache.setting(),
      "auto");
}

}  // namespace
}  // namespace lodestone::testing
