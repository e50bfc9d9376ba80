// All faults of a run's configuration at once, and other programs' words for its keys.
#include "trainer/run/run_config.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/key_index.h"
#include "trainer/run/key_synonyms.h"

namespace lodestone::run {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string error_of(const std::string& text, const std::vector<std::string>& assignments = {},
                     ReadFor use = ReadFor::kAnyUse) {
  RunConfig config{Tables()};
  try {
    read_run_config(parse_yaml(text, "run.yaml"), assignments, "run", config, use);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(KeySynonyms, MeanKeysThatExist) {
  RunConfig config{Tables()};
  KeyIndex index;
  config.visit(index);
  std::set<std::string> words;
  for (const KeySynonym& row : key_synonyms()) {
    EXPECT_TRUE(!row.keys.empty() || *row.note != 0) << row.words;
    for (const std::string key : row.keys)
      EXPECT_TRUE(index.has(key) || index.owner(key) != nullptr) << row.words << ": " << key;
    std::istringstream each{std::string(row.words)};
    for (std::string word; each >> word;) EXPECT_TRUE(words.insert(word).second) << word << " twice";
  }
}

TEST(KeySynonyms, AnswerWhatUsersOfOtherProgramsWrite) {
  const auto meant = [](const std::string& text) {
    const std::string error = error_of(text);
    return error.substr(std::min(error.size(), error.find("unknown key")));
  };
  EXPECT_EQ(meant("lr: 0.1"), "unknown key; did you mean 'optimizer.learning_rate'?");
  EXPECT_EQ(meant("optimizer: {lr: 0.1}"), "unknown key; did you mean 'optimizer.learning_rate'?");
  EXPECT_THAT(meant("batch_size: 8"), HasSubstr("did you mean 'global_batch'? (the rows of all ranks"));
  EXPECT_THAT(meant("epochs: 8"), HasSubstr("did you mean 'schedule.steps'? (one step is one global batch:"));
  EXPECT_EQ(meant("backbone: resnet18"), "unknown key; did you mean 'encoder'?");
  EXPECT_EQ(meant("lr_scheduler: cosine"), "unknown key; did you mean 'schedule.shape'?");
  EXPECT_EQ(meant("loss: {name: supcon, tau: 0.1}"), "unknown key; did you mean 'loss.temperature'?");
  EXPECT_THAT(
      meant("temperature: 0.1"),
      AllOf(HasSubstr("did you mean 'loss.temperature'? It belongs to loss.name: "), HasSubstr("infonce")));
  EXPECT_EQ(meant("weight_decay: 0.1"), "unknown key; did you mean 'optimizer.weight_decay'?");
  EXPECT_EQ(meant("data: {num_workers: 4}"), "unknown key; did you mean 'data.loader.workers'?");
  EXPECT_EQ(meant("data: {train_dir: a}"), "unknown key; did you mean 'data.train.path'?");
  EXPECT_EQ(meant("data: {seed: 1}"), "unknown key; did you mean 'seed'?");
  EXPECT_EQ(meant("device: cpu"), "unknown key; did you mean 'distributed.device'? (cpu, cuda or auto)");
  EXPECT_THAT(meant("amp: true"), HasSubstr("did you mean 'precision'?"));
  EXPECT_EQ(meant("image_size: 64"), "unknown key; did you mean 'data.image.width' or 'data.image.height'?");
  EXPECT_EQ(meant("encoder: {name: conv4, embedding_dim: 8}"),
            "unknown key; did you mean 'encoder.embedding'?");
  EXPECT_EQ(meant("encoder: {name: resnet18, embedding_dim: 8}"),
            "unknown key; did you mean 'encoder.head.embedding'?");
  EXPECT_EQ(meant("max_length: 64"), "unknown key; did you mean 'data.text.tokenizer.max_tokens'?");
  EXPECT_EQ(meant("sampler: {k: 4}"), "unknown key; did you mean 'sampler.samples_per_class'?");
  EXPECT_THAT(meant("gpus: 4"), HasSubstr("unknown key; the number of ranks is the launcher's"));
  EXPECT_EQ(meant("every_steps: 4"), "unknown key; did you mean 'checkpoint.every_steps'?");
}

TEST(RunConfig, TellsAllFaultsOfAFileAndOfSet) {
  const std::string error = error_of(
      "seed: -1\n"
      "global_batch: 30\n"
      "batch_size: 64\n"
      "loss:\n  name: suprcon\n  temperature: 0.1\n"
      "schedule:\n  steps: ten\n  warmup_steps: 20\n"
      "sampler: {name: shufle, samples_per_class: 4}\n"
      "precision: float8\n",
      {"optimizer.lr=1", "distributed.device=gpu"});
  const std::vector<std::string> expected = {
      "got 8;",
      "\n1. run.yaml:1: seed: expected a number >= 0",
      "\n2. run.yaml:3: batch_size: unknown key; did you mean 'global_batch'?",
      "\n3. run.yaml:5: loss.name: unknown name 'suprcon'",
      "\n4. run.yaml:8: schedule.steps: expected an integer, got 'ten'",
      "\n5. run.yaml:10: sampler.name: expected one of",
      "\n6. run.yaml:11: precision: expected one of",
      "\n7. --set optimizer.lr: unknown key; did you mean 'optimizer.learning_rate'?",
      "\n8. --set distributed.device: expected one of"};
  for (const std::string& part : expected) EXPECT_THAT(error, HasSubstr(part));
}

TEST(RunConfig, ReportsToTheFilesThatItNames) {
  EXPECT_EQ(error_of("report_to: [jsonl, tensorboard]\n"), "");
  EXPECT_THAT(error_of("report_to: [jsonl, tensorbord]\n"),
              HasSubstr("report_to: expected one of jsonl, tensorboard, got 'tensorbord'; did you mean "
                        "'tensorboard'?"));
  RunConfig config{Tables()};
  const auto schema = nlohmann::json::parse(write_schema([&](Fields& f) { config.visit(f); }));
  EXPECT_EQ(schema["properties"]["report_to"]["items"]["enum"], (nlohmann::json{"jsonl", "tensorboard"}));
}

TEST(RunConfig, ForTrainingTellsWhatIsMissingAndWhatContradictsBeforeDataAreOpened) {
  const auto training = [](const std::string& text, const std::vector<std::string>& sets = {}) {
    return error_of(text, sets, ReadFor::kTraining);
  };
  EXPECT_THAT(training(""), testing::StartsWith("data.train.path: expected a folder"));
  EXPECT_EQ(error_of(""), "") << "other commands need none";
  const std::string some = "data: {train: {path: nowhere}}\n";
  EXPECT_EQ(training(some), "");
  EXPECT_EQ(training(some + "global_batch: 30\n"),
            "global_batch: expected a multiple of 4, the rows that sampler.name: pk keeps together, got 30; "
            "change one of them");
  const std::string all = training(
      "global_batch: 30\ndata: {image: {scale_min: 3}}\nmicro_batch: 8\nbatch_norm: sync\nprecision: "
      "float16\n"
      "report_to: [tensorboard]\nloss: {name: triplet}\nminer: multi_similarity\n"
      "optimizer: {name: sgd, momentum: 0, nesterov: true}\n");
  for (const char* part :
       {"data.train.path: expected", "scale_min <= scale_max", "global_batch: expected a multiple",
        "precision: float16 needs", "report_to: expected jsonl", "miner: this miner picks pairs",
        "optimizer: nesterov needs"})
    EXPECT_THAT(all, HasSubstr(part));
  EXPECT_THAT(training(some + "global_batch: 30\n", {"sampler.nmae=shuffle"}),
              Not(HasSubstr("multiple of 4")))
      << "it may be meant for another sampler";
}

}  // namespace
}  // namespace lodestone::run
