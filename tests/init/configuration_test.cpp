#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "common/paths.h"
#include "support/images.h"
#include "support/texts.h"
#include "trainer/init/init.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::init {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::string n(int i) {
  return std::to_string(i);
}

/// Makes configurations of data in a folder and reads them as `lodestone train` does.
class Configuration : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  Made make(const std::string& from) {
    made_ = make_configuration(
        {.from = path(from), .output = path("made.yaml"), .minutes = 0.2, .force = true}, {});
    run::load_run_config(made_.configuration, {}, config_);
    return made_;
  }
  std::string written() const { return read_file(made_.configuration); }
  // People x photographs: a face is a gradient of its own, which differs from photograph to photograph.
  void people(const std::string& name, int classes, int photographs) const {
    for (int c = 0; c < classes; ++c)
      for (int i = 0; i < photographs; ++i)
        testing::write_png(path(name + "/person" + n(c) + "/" + n(i) + ".png"),
                           testing::drawn_image(c, i, 46, 56));
  }
  std::string rows(const std::string& name, int count, const std::function<std::string(int)>& row) const {
    std::string content;
    for (int i = 0; i < count; ++i) content += row(i);
    return folder_.write(name, content);
  }

  testing::TextFolder folder_;
  run::RunConfig config_{run::Tables()};
  Made made_;
};

TEST_F(Configuration, OfThirtyPeopleHoldsSixOut) {
  people("people", 30, 10);
  const Made made = make("people");
  EXPECT_THAT(made.found, HasSubstr("300 samples of 30 classes"));
  EXPECT_THAT(made.chosen, Contains(HasSubstr("6 of 30 classes are held out")));
  EXPECT_EQ(config_.global_batch, 48);
  EXPECT_EQ(config_.data.image.channels, 1);
  EXPECT_EQ(config_.data.image.width, 46);
  EXPECT_EQ(config_.data.image.height, 56);
  EXPECT_EQ(config_.data.image.flip, 0);
  EXPECT_EQ(config_.loss.name(), "supcon");
  EXPECT_EQ(config_.miner.name(), "all");
  EXPECT_EQ(config_.data.train.part.to, config_.evaluate.data.part.from);
  EXPECT_GE(config_.training.schedule.steps, 50);
  EXPECT_GT(config_.evaluate.every, 0);
  EXPECT_THAT(written(), HasSubstr("# Found: "));
  EXPECT_THAT(made.measured, HasSubstr("real step"));
}

TEST_F(Configuration, OfTextsHasAVocabularyBesideIt) {
  rows("train.tsv", 400,
       [](int i) { return "a request of some words number " + n(i) + "\tintent" + n(i % 20) + "\n"; });
  const Made made = make("train.tsv");
  EXPECT_TRUE(is_file(path("made.vocab.txt")));
  EXPECT_EQ(config_.data.text.tokenizer.path, path("made.vocab.txt"));
  EXPECT_EQ(config_.encoder.name(), "bag_of_tokens");
  EXPECT_EQ(config_.data.text.tokenizer.max_tokens, 16);
  EXPECT_THAT(made.guessed, Contains(HasSubstr("since its values repeat")));
  EXPECT_THAT(written(), HasSubstr("# Guessed: "));
}

// Words of the held-out classes are not in the vocabulary: their texts have many more tokens.
TEST_F(Configuration, OfTextsLeavesRoomForTokensOfUnseenWords) {
  const auto word = [](int intent, int number) {
    std::string letters;
    for (int k = 0; k < 9; ++k)
      letters += static_cast<char>('a' + (intent * 7 + number * 5 + k * (intent + 3)) % 26);
    return letters;
  };
  rows("train.tsv", 400, [&](int i) {
    std::string text;
    for (int number = 0; number < 6; ++number) text += word(i % 20, (number + i) % 6) + " ";
    return text + n(i) + "\tintent" + n(i % 20) + "\n";
  });
  make("train.tsv");
  const sampler::TextSet set = run::open_text_split(config_, config_.evaluate.data, config_.evaluate.text);
  const sampler::TokenRule rule = run::token_rule(config_.data);
  int64_t cut = 0, longest = 0;
  for (int64_t i = 0; i < set.texts->size(); ++i) {
    const auto tokens = static_cast<int64_t>(rule.tokenizer->encode(set.texts->get(i), 1000).size());
    cut += tokens > rule.max_tokens ? 1 : 0;
    longest = std::max(longest, tokens);
  }
  EXPECT_GT(longest, 24) << "the words are known";
  EXPECT_LE(100 * cut, set.texts->size());
}

// Texts stand in several pairs, first or second.
TEST_F(Configuration, OfLabelledPairsHasNoTextOnBothSides) {
  rows("same.tsv", 300, [](int i) {
    return "thing " + n(i / 3) + " seen " + n(i % 3) + "\tthing " + n(i / 3) + " seen " + n((i + 1) % 3) +
           "\t" + n(i % 2) + "\n";
  });
  const Made made = make("same.tsv");
  EXPECT_THAT(made.chosen, Contains(HasSubstr("so that no text of theirs is in training")));
  const auto trained = run::open_text_split(config_, config_.data.train, config_.data.text.layout);
  const auto evaluated = run::open_text_split(config_, config_.evaluate.data, config_.evaluate.text);
  EXPECT_EQ(trained.rows + evaluated.rows, 300);
  EXPECT_NEAR(static_cast<double>(evaluated.rows), 60, 6);
  std::set<uint64_t> ids;
  for (int64_t i = 0; i < trained.texts->size(); ++i) ids.insert(trained.texts->id(i));
  for (int64_t i = 0; i < evaluated.texts->size(); ++i) EXPECT_FALSE(ids.contains(evaluated.texts->id(i)));
}

TEST_F(Configuration, OfGradedPairsTrainsOnTheUpperGradesAndEvaluatesTheGrades) {
  rows("sts.tsv", 200,
       [](int i) { return "one sentence " + n(i) + "\tother words " + n(i) + "\t" + n(i % 6) + "\n"; });
  make("sts.tsv");
  EXPECT_EQ(config_.data.text.layout.same_from, 3.5);
  EXPECT_FALSE(config_.evaluate.text.same_from.has_value());
  EXPECT_EQ(config_.loss.name(), "contrastive");
}

TEST_F(Configuration, OfCaptionsHasTwoTowers) {
  for (int i = 0; i < 40; ++i) testing::write_png(path(n(i) + ".png"), testing::drawn_image(i, 1, 32, 32, 3));
  std::string list = "path,caption\n";
  for (int i = 0; i < 80; ++i) list += n(i / 2) + ".png,a picture of thing " + n(i) + "\n";
  folder_.write("captions.csv", list);
  make("captions.csv");
  EXPECT_EQ(config_.data.kind.name(), "image_texts");
  EXPECT_EQ(config_.encoder.name(), "two_tower");
  EXPECT_EQ(config_.loss.name(), "clip");
  EXPECT_EQ(config_.sampler.name(), "two_views");
}

TEST_F(Configuration, OfPairsOfImagesIsEvaluatedOnLabelledImagesBesideThem) {
  for (const char* split : {"train", "test"})
    for (int c = 0; c < 4; ++c)
      for (int i = 0; i < 3; ++i)
        testing::write_png(path(std::string(split) + "/c" + n(c) + "/" + n(i) + ".png"),
                           testing::drawn_image(c, i));
  rows("pairs.tsv", 60, [](int i) {
    return "train/c" + n(i % 4) + "/0.png\ttrain/c" + n((i + i % 2) % 4) + "/1.png\t" + n(1 - i % 2) + "\n";
  });
  make("pairs.tsv");
  EXPECT_EQ(config_.data.tuples, path("pairs.tsv"));
  EXPECT_EQ(config_.evaluate.data.path, path("test"));
  EXPECT_EQ(config_.loss.name(), "contrastive");
}

TEST_F(Configuration, OfPairsOfImagesHoldsClassesOut) {
  people("people", 20, 3);
  rows("people/pairs.tsv", 400, [](int i) {
    const int other = i % 2 == 0 ? i / 2 % 20 : i / 40 % 20;
    return "person" + n(i / 2 % 20) + "/0.png\tperson" + n(other) + "/" + n(1 + i % 2) + ".png\t" +
           n(other == i / 2 % 20 ? 1 : 0) + "\n";
  });
  const Made made = make("people/pairs.tsv");
  EXPECT_THAT(made.chosen, Contains(HasSubstr("4 of 20 classes are held out")));
  EXPECT_EQ(config_.evaluate.data.path, path("people"));
  EXPECT_EQ(config_.data.train.part.to, config_.evaluate.data.part.from);
  const run::TrainingData data = run::open_training_data(config_, 1);
  sampler::ImageSourceConfig held = config_.evaluate.data;
  const auto evaluated = sampler::open_images(held, {});
  std::set<std::string> classes;
  for (int64_t c = 0; c < evaluated->classes(); ++c) classes.insert(evaluated->class_name(c));
  EXPECT_EQ(classes.size(), 4U);
  for (int64_t i = 0; i < data.dataset()->size(); ++i) {
    const std::string key = data.dataset()->key(i);
    EXPECT_FALSE(classes.contains(key.substr(0, key.find('/')))) << key;
  }
}

TEST_F(Configuration, IsNotReplacedWithoutForce) {
  people("people", 10, 2);
  folder_.write("mine.yaml", "seed: 7\n");
  const std::string message = testing::message_of<ConfigError>(
      [&] { make_configuration({.from = path("people"), .output = path("mine.yaml")}, {}); });
  EXPECT_THAT(message, HasSubstr("--force"));
  EXPECT_EQ(read_file(path("mine.yaml")), "seed: 7\n");
}

}  // namespace
}  // namespace lodestone::init
