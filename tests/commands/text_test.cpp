#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.h"
#include "support/texts.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Sentences of eight topics, each with words of its own among common ones.
class TextWorkspace : public TextFolder {
 public:
  std::string sentence(int topic, int n) const {
    const std::string t = std::to_string(topic);
    return "please tell word" + t + "x" + std::to_string(n % 3) + " about topic" + t + " number " +
           std::to_string(n);
  }

  /// A configuration over train and test files in a format, and the lines of those.
  std::string config(const std::string& format, const std::string& rows, const std::string& evaluated_format,
                     const std::string& tested, const std::string& more) const {
    write("train.tsv", rows);
    write("test.tsv", tested);
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
                     evaluated_format + "}}\n" + more);
  }
};

/// What the console says of a run of 30 steps: the unit of its pace, what is evaluated, the main metric.
struct ConsoleWords {
  std::string unit, evaluated, main;
};

nlohmann::json trained(const TextWorkspace& work, const std::string& config, const ConsoleWords& words) {
  const Finished train = run(lodestone({"train", config}));
  EXPECT_EQ(train.code, 0) << train.err;
  EXPECT_THAT(train.err, AllOf(HasSubstr(" " + words.unit + "/s  ETA"),
                               HasSubstr("evaluating " + words.evaluated + "\n"),
                               HasSubstr("evaluated at step 30: " + words.main + " ")));
  EXPECT_THAT(contents(work.path("run/report.html")), HasSubstr("<dd>" + words.evaluated + "</dd>"));
  const Finished evaluate =
      run(lodestone({"evaluate", work.path("run"), "--json", work.path("result.json")}));
  EXPECT_EQ(evaluate.code, 0) << evaluate.err;
  return nlohmann::json::parse(contents(work.path("result.json")));
}

TEST(Text, LearnsClassesAndIsEvaluatedBesideTfIdf) {
  const TextWorkspace work;
  std::string rows, tested;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 8; ++n)
      (topic < 8 ? rows : tested) += work.sentence(topic, n) + "\ttopic" + std::to_string(topic) + "\n";
  const auto result = trained(
      work, work.config("labels", rows, "labels", tested, "loss: {name: supcon}\nminer: {name: all}\n"),
      {"texts", "64 texts of 8 classes", "recall_at_1"});
  for (const char* name : {"recall_at_1", "map_at_r", "eer", "effective_rank"})
    EXPECT_TRUE(result[name].is_number()) << name;
  EXPECT_GT(result["floor"]["recall_at_1"], 0.5);
  const std::string report = contents(work.path("run/report.html"));
  EXPECT_THAT(report, HasSubstr("TF-IDF"));
  EXPECT_THAT(report, HasSubstr("about topic"));
}

TEST(Text, LearnsFromPairsAndIsEvaluatedByGrades) {
  const TextWorkspace work;
  std::string rows, tested;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n) rows += work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4) + "\n";
  for (int n = 0; n < 12; ++n)
    tested += work.sentence(n, 1) + "\t" + work.sentence(n % 2 ? n : n + 1, 2) + "\t" +
              (n % 2 ? "4.5" : "0.5") + "\n";
  const auto result = trained(
      work, work.config("pairs", rows, "pairs", tested, "loss: {name: infonce}\nminer: {name: all}\n"),
      {"pairs", "12 graded pairs", "spearman"});
  EXPECT_GT(result["spearman"], 0.5);
  EXPECT_LT(result["intervals"]["spearman"][0], result["spearman"]);
  EXPECT_GE(result["intervals"]["spearman"][1], result["spearman"]);
  EXPECT_GT(result["floor"]["spearman"], 0.5);
  const std::string report = contents(work.path("run/report.html"));
  EXPECT_THAT(report, AllOf(HasSubstr("<h3>Spearman's rank correlation</h3>"),
                            HasSubstr("Score against grade"), Not(HasSubstr("Nearest neighbours"))));
}

TEST(Text, IsEvaluatedByPairs) {
  const TextWorkspace work;
  std::string rows, tested, labelled;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n) {
      const std::string pair = work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4);
      rows += pair + "\n";
      if (n == 0) tested += pair + "\n";
      labelled += pair + "\t1\n" + work.sentence(topic, n) + "\t" +
                  work.sentence((topic + n + 1) % 16, n + 4) + "\t0\n";
    }
  const std::string loss = "loss: {name: infonce}\nminer: {name: all}\n";
  const auto pairs =
      trained(work, work.config("pairs", rows, "pairs", tested, loss), {"pairs", "16 pairs", "recall_at_1"});
  EXPECT_TRUE(pairs["knn_accuracy"].is_null());
  const std::string report = contents(work.path("run/report.html"));
  EXPECT_THAT(report, HasSubstr(" of 12 are."));            // one neighbour of a query can be right
  EXPECT_THAT(report, Not(HasSubstr("Confused classes")));  // lines of a file are no classes
  std::filesystem::remove_all(work.path("run"));
  trained(work, work.config("pairs", rows, "pairs", labelled, loss),
          {"pairs", "128 labelled pairs", "accuracy"});
  EXPECT_THAT(contents(work.path("run/report.html")), Not(HasSubstr("Nearest neighbours")));
}

TEST(Text, CaptionsAreFoundByImagesAndImagesByCaptions) {
  const TextWorkspace work;
  Tar shard;
  std::string all;
  for (int i = 0; i < 24; ++i) {
    const std::string caption = work.sentence(i % 8, i);
    shard.add("p" + std::to_string(i) + ".png", png_text(drawn_image(i % 7, i)))
        .add("p" + std::to_string(i) + ".txt", caption);
    all += caption + "\n";
  }
  write_bytes(work.path("shards.tar"), shard.finished());
  work.config("labels", "a\tb\n", "labels", "a\tb\n", "");  // makes the vocabulary
  const std::string config = work.write(
      "run.yaml",
      "run_dir: " + work.path("run") + "\nglobal_batch: 12\ndata:\n  root: " + work.path("") +
          "\n  kind: image_texts\n  train: {path: shards.tar}\n  image: {width: 16, height: 16}\n"
          "  text: {tokenizer: {path: vocab.txt, max_tokens: 16}}\nsampler: {name: two_views}\nencoder:\n"
          "  name: two_tower\n  image: {name: conv4, channels: [8, 8], embedding: 16}\n"
          "  text: {name: bag_of_tokens, width: 16}\n  embedding: 16\nloss: {name: clip}\nminer: {name: "
          "all}\n"
          "schedule: {steps: 30, warmup_steps: 1}\nevaluate: {data: {path: shards.tar}}\n");
  const auto result =
      trained(work, config, {"pairs", "24 images with 24 captions", "image_to_text_recall_at_1"});
  EXPECT_EQ(result["captions"], 24);
  EXPECT_THAT(contents(work.path("run/report.html")), HasSubstr("<h3>Text to image, recall at 1</h3>"));
}

TEST(Text, LearnsFromTripletsAndIsEvaluatedByTheirOrder) {
  const TextWorkspace work;
  std::string rows, tested;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n)
      (topic < 12 ? rows : tested) += work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4) + "\t" +
                                      work.sentence((topic + 1) % 16, n) + "\n";
  const auto result = trained(
      work, work.config("triplets", rows, "triplets", tested, "loss: {name: triplet}\nminer: {name: all}\n"),
      {"triplets", "16 triplets", "triplet_accuracy"});
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

TEST(Text, QueriesOfAnyLengthAndLinesWithTabsAreTexts) {
  const TextWorkspace work;
  std::string rows;
  for (int topic = 0; topic < 8; ++topic)
    for (int n = 0; n < 4; ++n) rows += work.sentence(topic, n) + "\ttopic" + std::to_string(topic) + "\n";
  const std::string config =
      work.config("labels", rows, "labels", rows, "loss: {name: supcon}\nminer: {name: all}\n");
  ASSERT_EQ(run(lodestone({"train", config, "--set", "evaluate.data.path="})).code, 0);
  const std::string lines =
      work.write("tab.txt", "please tell about topic1\nplease\ttell about topic1\nplease\n");
  const Finished embed =
      run(lodestone({"embed", work.path("run"), "--input", lines, "--output", work.path("tab.jsonl")}));
  ASSERT_EQ(embed.code, 0) << embed.err;
  std::vector<nlohmann::json> vectors;
  std::istringstream found(contents(work.path("tab.jsonl")));
  for (std::string line; std::getline(found, line);)
    vectors.push_back(nlohmann::json::parse(line)["embedding"]);
  ASSERT_EQ(vectors.size(), 3U);
  EXPECT_EQ(vectors[0], vectors[1]);  // a tab is a blank to the tokenizer
  EXPECT_NE(vectors[1], vectors[2]);

  const std::string gallery = work.path("gallery.safetensors");
  ASSERT_EQ(
      run(lodestone({"embed", work.path("run"), "--input", work.path("train.tsv"), "--output", gallery}))
          .code,
      0);
  std::string query;
  while (query.size() < 300) query += "tell about topic1 ";
  const auto search = [&](const std::string& text) {
    return run(lodestone(
        {"search", "--gallery", gallery, "--checkpoint", work.path("run"), "-k", "1", "--query", text}));
  };
  for (const std::string& text : {query, std::string("https://example.org is about topic1")}) {
    const Finished answer = search(text);
    EXPECT_EQ(answer.code, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr(text));
  }
  const Finished folder = search(work.path("run"));
  EXPECT_EQ(folder.code, 3);
  EXPECT_THAT(folder.err, HasSubstr("a folder, which a model of texts does not read"));
}

TEST(Text, LossesOfTwoSidesTakeRowsOfTwoTexts) {
  const TextWorkspace work;
  std::string rows;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n)
      rows += work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4) + "\tnot " +
              work.sentence(topic, n) + "\n";
  for (const char* loss : {"clip", "siglip"}) {
    const std::string config = work.config("queries", rows, "queries", rows,
                                           "loss: {name: " + std::string(loss) + "}\nminer: {name: all}\n");
    const Finished train = run(lodestone({"train", config}));
    EXPECT_EQ(train.code, 2);
    EXPECT_THAT(train.err,
                AllOf(HasSubstr("rows of 3"), HasSubstr("data.text.negatives: 0"), HasSubstr("infonce")));
    const Finished pairs =
        run(lodestone({"train", config, "--resume", "none", "--set", "data.text.negatives=0", "--set",
                       "schedule.steps=3", "--set", "evaluate.data.path="}));
    EXPECT_EQ(pairs.code, 0) << pairs.err;
  }
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
  EXPECT_THAT(train.err, HasSubstr("data.text: has no effect with data.kind: images"));
}

std::string class_rows(const TextWorkspace& work) {
  std::string rows;
  for (int topic = 0; topic < 8; ++topic)
    for (int n = 0; n < 8; ++n) rows += work.sentence(topic, n) + "\ttopic" + std::to_string(topic) + "\n";
  return rows;
}

TEST(Text, AnotherVocabularyIsRefusedWhereverTheModelIsUsed) {
  const TextWorkspace work;
  const std::string rows = class_rows(work);
  const std::string config =
      work.config("labels", rows, "labels", rows, "loss: {name: supcon}\nminer: {name: all}\n");
  ASSERT_EQ(run(lodestone({"train", config, "--set", "schedule.steps=4"})).code, 0);
  const std::string vocabulary = contents(work.path("vocab.txt"));
  std::string other = vocabulary;  // the last two tokens change places: as many, of which two mean each other
  const size_t last = other.rfind('\n', other.size() - 2), before = other.rfind('\n', last - 1);
  const std::string token = other.substr(before + 1, last - before);
  other = other.substr(0, before + 1) + other.substr(last + 1) + token;
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"train", config, "--set", "schedule.steps=6"},
        {"evaluate", work.path("run")},
        {"embed", work.path("run"), "--input", work.path("all.txt"), "--output", work.path("z.npy")},
        {"export", work.path("run"), "--format", "safetensors", "--output",
         work.path("model.safetensors")}}) {
    work.write("vocab.txt", other);
    const Finished refused = run(lodestone(command));
    EXPECT_EQ(refused.code, 5) << command[0] << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("expected the vocabulary that the model was trained with"));
    work.write("vocab.txt", vocabulary);
    EXPECT_EQ(run(lodestone(command)).code, 0) << command[0];
  }
}

// Rows of pairs have no names but the lines they stand in: their texts tell what they are.
TEST(Text, RowsOfAMemoryFollowTheirTexts) {
  const TextWorkspace work;
  std::string rows;
  for (int topic = 0; topic < 16; ++topic)
    for (int n = 0; n < 4; ++n) rows += work.sentence(topic, n) + "\t" + work.sentence(topic, n + 4) + "\n";
  const std::string config =
      work.config("pairs", rows, "pairs", rows,
                  "loss: {name: contrastive}\nminer: {name: all}\nmemory: {kind: xbm, size: 48}\n");
  const auto key = [&] { return load_checkpoint(work.path("run")).snapshot.tensors.at("memory").at("key"); };
  const auto train = [&](int steps) {
    return run(lodestone({"train", config, "--set", "evaluate.data.path=", "--set",
                          "schedule.steps=" + std::to_string(steps)}));
  };
  ASSERT_EQ(train(4).code, 0);
  std::map<int64_t, int64_t> label_of;
  for (int64_t i = 0; i < 48; ++i) label_of[key()[i][2].item<int64_t>()] = key()[i][0].item<int64_t>();
  work.write("train.tsv", "a row of its own\tbefore all others\n" + rows);
  const Finished more = train(5);
  ASSERT_EQ(more.code, 0) << more.err;
  EXPECT_THAT(more.err, HasSubstr("64 of the others have another number"));
  for (int64_t i = 0; i < 48; ++i)
    if (key()[i][3].item<int64_t>() <= 3) {
      EXPECT_EQ(key()[i][0].item<int64_t>(), label_of.at(key()[i][2].item<int64_t>()) + 1);
    }
}

}  // namespace
}  // namespace lodestone::testing
