#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.h"
#include "support/texts.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;

/// Sentences of eight topics, each with words of its own among common ones.
class TextWorkspace : public TextFolder {
 public:
  std::string sentence(int topic, int n) const {
    const std::string t = std::to_string(topic);
    return "please tell word" + t + "x" + std::to_string(n % 3) + " about topic" + t + " number " +
           std::to_string(n);
  }

  /// A configuration over train and test files in a format, and the lines of those.
  std::string config(const std::string& format, const std::string& rows, const std::string& judged_format,
                     const std::string& judged, const std::string& more) const {
    write("train.tsv", rows);
    write("test.tsv", judged);
    std::string all;
    for (int topic = 0; topic < 16; ++topic)
      for (int n = 0; n < 8; ++n) all += sentence(topic, n) + "\n";
    write("all.txt", all);
    const Finished made = run(lodestone({"tokenizer", "train", "--input", path("all.txt"), "--vocabulary",
                                         "200", "--output", path("vocab.txt")}));
    EXPECT_EQ(made.code, 0) << made.err;
    return write("run.yaml",
                 "run_dir: " + path("run") + "\nglobal_batch: 24\ndata:\n  root: " + path("") +
                     "\n  kind: texts\n  train: {path: train.tsv}\n  text:\n    format: " + format +
                     "\n    bucket_window: 3\n    tokenizer: {path: vocab.txt, max_tokens: 24}\n"
                     "encoder: {name: bag_of_tokens}\nschedule: {steps: 30, warmup_steps: 2}\n"
                     "optimizer: {learning_rate: 0.01}\ndistributed: {timeout: 60}\n"
                     "evaluate: {data: {path: test.tsv}, text: {format: " +
                     judged_format + "}}\n" + more);
  }
};

nlohmann::json trained(const TextWorkspace& work, const std::string& config) {
  const Finished train = run(lodestone({"train", config}));
  EXPECT_EQ(train.code, 0) << train.err;
  const Finished evaluate =
      run(lodestone({"evaluate", work.path("run"), "--json", work.path("result.json")}));
  EXPECT_EQ(evaluate.code, 0) << evaluate.err;
  return nlohmann::json::parse(contents(work.path("result.json")));
}

TEST(Text, LearnsClassesAndIsJudgedBesideTfIdf) {
  const TextWorkspace work;
  std::string rows, judged;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 8; ++n)
      (topic < 8 ? rows : judged) += work.sentence(topic, n) + "\ttopic" + std::to_string(topic) + "\n";
  const auto result = trained(
      work, work.config("labels", rows, "labels", judged, "loss: {name: supcon}\nminer: {name: all}\n"));
  for (const char* name : {"recall_at_1", "map_at_r", "eer", "effective_rank"})
    EXPECT_TRUE(result[name].is_number()) << name;
  EXPECT_GT(result["floor"]["recall_at_1"], 0.5);
  const std::string report = contents(work.path("run/report.html"));
  EXPECT_THAT(report, HasSubstr("TF-IDF"));
  EXPECT_THAT(report, HasSubstr("about topic"));
}

TEST(Text, LearnsFromPairsAndIsJudgedByGrades) {
  const TextWorkspace work;
  std::string rows, judged;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n) rows += work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4) + "\n";
  for (int n = 0; n < 12; ++n)
    judged += work.sentence(n, 1) + "\t" + work.sentence(n % 2 ? n : n + 1, 2) + "\t" +
              (n % 2 ? "4.5" : "0.5") + "\n";
  const auto result = trained(
      work, work.config("pairs", rows, "pairs", judged, "loss: {name: infonce}\nminer: {name: all}\n"));
  EXPECT_GT(result["spearman"], 0.5);
  EXPECT_LT(result["intervals"]["spearman"][0], result["spearman"]);
  EXPECT_GE(result["intervals"]["spearman"][1], result["spearman"]);
  EXPECT_GT(result["floor"]["spearman"], 0.5);
}

TEST(Text, LearnsFromTripletsAndIsJudgedByTheirOrder) {
  const TextWorkspace work;
  std::string rows, judged;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n)
      (topic < 12 ? rows : judged) += work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4) + "\t" +
                                      work.sentence((topic + 1) % 16, n) + "\n";
  const auto result = trained(
      work, work.config("triplets", rows, "triplets", judged, "loss: {name: triplet}\nminer: {name: all}\n"));
  EXPECT_GT(result["triplet_accuracy"], 0.5);
  EXPECT_LE(result["intervals"]["triplet_accuracy"][0], result["triplet_accuracy"]);
}

TEST(Text, TheGlobalBatchIsTheSameOnAnyWorld) {
  const TextWorkspace work;
  std::string rows;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n)
      rows += work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4) + "\tnot " +
              work.sentence((topic + 3) % 16, n) + "\n";
  const std::string config =
      work.config("queries", rows, "queries", rows, "loss: {name: infonce}\nminer: {name: all}\n");
  const Finished verified = run(mpirun(2, lodestone({"verify-gradients", config, "--batches", "1"})));
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
}

TEST(Text, SaysWhatIsWrong) {
  const TextWorkspace work;
  const std::string config = work.config("labels", "a\tx\nb\n", "labels", "a\tx\n", "");
  Finished train = run(lodestone({"train", config}));
  EXPECT_EQ(train.code, 3);
  EXPECT_THAT(train.err, HasSubstr("train.tsv:2"));
  work.write("train.tsv", "a\tb\t0.5\n");
  train = run(lodestone({"train", config, "--set", "data.text.format=pairs"}));
  EXPECT_EQ(train.code, 2);
  EXPECT_THAT(train.err, HasSubstr("same_from"));
  train = run(lodestone({"train", config, "--set", "data.kind=images"}));
  EXPECT_EQ(train.code, 2);
  EXPECT_THAT(train.err, HasSubstr("pictures have no text"));
}

}  // namespace
}  // namespace lodestone::testing
