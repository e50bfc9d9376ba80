// determinism: canonical with every kind of encoder: ranks give the bits of one process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/images.h"
#include "support/program.h"
#include "support/run_lines.h"
#include "support/texts.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

namespace fs = std::filesystem;

// The weights of a run's newest checkpoint, as they lie in its file.
std::string weights(const fs::path& run) {
  const auto saved = list_checkpoints(run / "checkpoints");
  return saved.empty() ? "no checkpoint in " + run.string() : contents(saved.front() / "model.safetensors");
}

void expect_the_same_bits(const std::string& config, const TextFolder& folder) {
  const auto train = [&](const std::string& name) {
    return lodestone({"train", config, "--allow-code", "--set", "determinism=canonical", "--set",
                      "batch_norm=local", "--set", "schedule.steps=6", "--set", "schedule.warmup_steps=1",
                      "--set", "run_dir=" + folder.path(name)});
  };
  const Finished one = run(train("one"));
  ASSERT_EQ(one.code, 0) << one.err;
  const auto expected = losses(folder.path("one"));
  ASSERT_EQ(expected.size(), 6u);
  for (const int ranks : {2, 3}) {
    const std::string name = std::to_string(ranks) + "-ranks";
    const Finished many = run(mpirun(ranks, train(name)));
    ASSERT_EQ(many.code, 0) << many.err;
    EXPECT_EQ(losses(folder.path(name)), expected) << name;
    EXPECT_TRUE(weights(folder.path(name)) == weights(folder.path("one"))) << name;
  }
}

std::string sentence(int topic, int n) {
  return "word" + std::to_string(topic) +
         (n % 2 == 0 ? " and" : " of many others, number " + std::to_string(n));
}

// Also makes the vocabulary.
std::string labelled_texts(const TextFolder& folder) {
  std::string rows, all;
  for (int topic = 0; topic < 8; ++topic)
    for (int n = 0; n < 6; ++n) {
      rows += sentence(topic, n) + "\ttopic" + std::to_string(topic) + "\n";
      all += sentence(topic, n) + "\n";
    }
  folder.write("train.tsv", rows);
  const Finished made = run(lodestone({"tokenizer", "train", "--input", folder.write("all.txt", all),
                                       "--vocabulary", "80", "--output", folder.path("vocab.txt")}));
  EXPECT_EQ(made.code, 0) << made.err;
  return "run_dir: none\nglobal_batch: 20\ndata:\n  root: " + folder.path("") +
         "\n  kind: texts\n  train: {path: train.tsv}\n  text:\n    format: labels\n    bucket_window: 3\n   "
         " tokenizer: {path: "
         "vocab.txt, max_tokens: 16}\nsampler: {samples_per_class: 4}\nschedule: {steps: 6, warmup_steps: "
         "1}\noptimizer: "
         "{learning_rate: 0.01}\ndistributed: {timeout: 60}\nloss: {name: supcon}\nminer: {name: all}\n";
}

TEST(CanonicalRun, OfABagOfTokens) {
  const TextFolder folder;
  expect_the_same_bits(
      folder.write("run.yaml", labelled_texts(folder) + "encoder: {name: bag_of_tokens, width: 32}\n"),
      folder);
}

TEST(CanonicalRun, OfABertWithDropout) {
  const TextFolder folder;
  expect_the_same_bits(
      folder.write("run.yaml",
                   labelled_texts(folder) +
                       "encoder: {name: bert, layers: 2, width: 32, heads: 2, intermediate: 64}\n"),
      folder);
}

TEST(CanonicalRun, OfTwoTowers) {
  const TextFolder folder;
  const std::string texts = labelled_texts(folder);
  Tar shard;
  for (int i = 0; i < 40; ++i) {
    const std::string key = "p" + std::to_string(i);
    shard.add(key + ".png", png_text(drawn_image(i % 7, i))).add(key + ".txt", sentence(i % 8, i));
  }
  write_bytes(folder.path("shards.tar"), shard.finished());
  const std::string config =
      "run_dir: none\nglobal_batch: 20\ndata:\n  root: " + folder.path("") +
      "\n  kind: image_texts\n  train: {path: shards.tar}\n  image: {width: 16, height: 16}\n"
      "  text: {tokenizer: {path: vocab.txt, max_tokens: 16}}\nsampler: {name: two_views}\nencoder:\n"
      "  name: two_tower\n  image: {name: conv4, channels: [8, 8], embedding: 16}\n  text: {name: "
      "bag_of_tokens, "
      "width: 16}\n  embedding: 16\nloss: {name: clip}\nminer: {name: all}\nschedule: {steps: 6, "
      "warmup_steps: 1}\n"
      "distributed: {timeout: 60}\n";
  expect_the_same_bits(folder.write("run.yaml", config), folder);
}

TEST(CanonicalRun, OfATorchScriptModel) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config(), "--set", "evaluate.data.path="})).code, 0);
  const Finished exported =
      run(lodestone({"export", work.run(), "--format", "torchscript", "--output", work.path("model.pt")}));
  ASSERT_EQ(exported.code, 0) << exported.err;
  const TextFolder folder;
  const std::string config = contents(work.config());
  const size_t from = config.find("encoder:"), to = config.find('\n', from);
  expect_the_same_bits(
      folder.write("run.yaml", config.substr(0, from) + "encoder: {name: torchscript, file: " +
                                   work.path("model.pt").string() + "}\n" + config.substr(to + 1) +
                                   "loss: {name: supcon}\nminer: {name: all}\n"),
      folder);
}

}  // namespace
}  // namespace lodestone::testing
