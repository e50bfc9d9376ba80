// What `lodestone data show` finds in small data whose faults are known.
#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/images.h"
#include "support/texts.h"
#include "trainer/data_view/data_page.h"
#include "trainer/data_view/fact_rows.h"
#include "trainer/data_view/sample_sheets.h"
#include "trainer/data_view/tiles.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/start_lines.h"

namespace lodestone::data_view {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// A look at a configuration, without limits of time.
struct Look {
  run::RunConfig config{run::Tables()};
  std::optional<Sides> sides;
  DataFacts facts;

  static FactLimits patient() {
    FactLimits limits;
    for (double* seconds : {&limits.images.seconds, &limits.texts.seconds, &limits.contents.seconds,
                            &limits.look_alikes.seconds})
      *seconds = 1e9;
    return limits;
  }

  explicit Look(const std::string& file, const FactLimits& limits = patient(),
                const std::vector<std::string>& assignments = {}) {
    run::load_run_config(file, assignments, config);
    sides = open_sides(config);
    facts = describe(config, *sides, limits);
  }
  std::string page() const { return data_page("look", config, *sides, facts); }
  nlohmann::ordered_json json() const { return json_of(*sides, facts); }
};

/// Stripes that differ by class and sample, so that no two of them look alike.
sampler::Image striped(int64_t c, int64_t i, int side = 24) {
  sampler::Image image(side, side, 1);
  Random random(static_cast<uint64_t>(c), Purpose::kNoise, static_cast<uint64_t>(i));
  uint8_t level[36];
  for (uint8_t& one : level) one = static_cast<uint8_t>(random.below(256));
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) image.at(x, y) = level[y * 6 / side * 6 + x * 6 / side];
  return image;
}

sampler::Image brighter(sampler::Image image) {
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(20 + pixel * 3 / 4);
  return image;
}

class OfImages : public ::testing::Test {
 protected:
  void add(const std::string& name, const sampler::Image& image) const {
    testing::write_png(folder_.path("photos/" + name), image);
  }
  std::string config(const std::string& more = "", int channels = 1) const {
    return folder_.write(
        "run.yaml", "data:\n  root: " + folder_.path("photos") +
                        "\n  train: {path: train}\n  image: {width: 24, height: 24, channels: " +
                        std::to_string(channels) + "}\nevaluate: {data: {path: test}}\nglobal_batch: 8\n" +
                        more);
  }
  // Four classes of four images to train on, two of three to evaluate.
  void make() const {
    for (int c = 0; c < 4; ++c)
      for (int i = 0; i < 4; ++i)
        add("train/c" + std::to_string(c) + "/" + std::to_string(i) + ".png", striped(c, i));
    for (int c = 4; c < 6; ++c)
      for (int i = 0; i < 3; ++i)
        add("test/c" + std::to_string(c) + "/" + std::to_string(i) + ".png", striped(c, i));
  }

  testing::TextFolder folder_;
};

TEST_F(OfImages, NothingIsWrongWithGoodOnes) {
  make();
  const Look look(config("sampler: {samples_per_class: 2}\n"));
  EXPECT_EQ(look.facts.training.samples, 16);
  EXPECT_EQ(look.facts.training.classes->classes, 4);
  EXPECT_EQ(look.facts.evaluation->samples, 6);
  EXPECT_EQ(look.facts.training.formats, (std::map<std::string, int64_t>{{".png", 16}}));
  EXPECT_EQ(look.facts.training.images->read, 16);
  EXPECT_EQ(look.facts.training.images->width.median, 24);
  EXPECT_EQ(look.facts.common->look_alikes.alike, 0);
  EXPECT_EQ(look.facts.common->evaluated, 6);
  EXPECT_THAT(look.facts.warnings, ::testing::IsEmpty());
  EXPECT_THAT(look.page(), AllOf(HasSubstr("Nothing was found wrong"), HasSubstr("What the encoder gets")));
}

TEST_F(OfImages, FindsCopiesLookAlikesAndContradictions) {
  make();
  add("train/c0/again.png", striped(0, 0));
  add("train/c1/wrong.png", striped(2, 1));
  add("test/c4/copy.png", striped(3, 3));
  add("test/c5/alike.png", brighter(striped(3, 2)));
  add("test/c3/known.png", striped(3, 9));
  add("train/alone/1.png", striped(8, 1));
  const Look look(config("sampler: {samples_per_class: 2, allow_small_classes: true}\n"));
  EXPECT_EQ(look.facts.training.duplicates.copies, 2);
  EXPECT_EQ(look.facts.training.duplicates.contradictions, 1);
  EXPECT_EQ(look.facts.common->copies.copies, 1);
  EXPECT_EQ(look.facts.common->look_alikes.alike, 1);
  const SamplePair alike = look.facts.common->look_alikes.examples.front();
  EXPECT_EQ(look.sides->training.samples().key(alike.first), "c3/2.png");
  EXPECT_EQ(look.sides->evaluation->samples().key(alike.second), "c5/alike.png");
  EXPECT_EQ(look.facts.common->classes, std::vector<std::string>{"c3"});
  EXPECT_THAT(look.facts.warnings,
              Contains(AllOf(HasSubstr("1 of the 9 images of the evaluation is in the training"),
                             HasSubstr("c4/copy.png is c3/3.png"))));
  EXPECT_THAT(look.facts.warnings, Contains(HasSubstr("look like a training image")));
  EXPECT_THAT(look.facts.warnings, Contains(HasSubstr("1 image in two classes at once")));
  EXPECT_THAT(look.facts.warnings, Contains(HasSubstr("1 class has one sample alone")));
  const auto common = look.json()["common"];
  EXPECT_EQ(common["copies"], 1);
  EXPECT_EQ(common["copy_examples"][0], (nlohmann::ordered_json{"c3/3.png", "c4/copy.png"}));
}

TEST_F(OfImages, ReportsWhatDoesNotFitTheEncoder) {
  make();
  for (int i = 0; i < 30; ++i) add("train/large/" + std::to_string(i) + ".png", striped(7, i, 240));
  testing::write_bytes(folder_.path("photos/train/c0/bad.png"), "\x89PNG and nothing");
  testing::write_bytes(folder_.path("photos/train/c0/old.bmp"), "BM");
  const Look look(config("sampler: {samples_per_class: 3}\n", 3));
  EXPECT_EQ(look.facts.training.images->damaged, 1);
  EXPECT_THAT(look.facts.warnings, Contains(HasSubstr("detail is lost")));
  EXPECT_THAT(look.facts.warnings, Contains(HasSubstr("grey and are read as colour")));
  EXPECT_THAT(look.facts.warnings, Contains(HasSubstr("1 of 47 sampled images cannot be read")));
  EXPECT_THAT(look.facts.warnings, Contains(HasSubstr("training would stop: ")));
  EXPECT_THAT(look.sides->training.left_out, Contains(HasSubstr("*.bmp")));
  EXPECT_THAT(look.page(), Not(HasSubstr("What the encoder gets"))) << "training cannot start";
}

TEST_F(OfImages, ReadsNoMoreThanItsLimits) {
  make();
  FactLimits limits = Look::patient();
  limits.images.samples = 5;
  limits.look_alikes.images = 4;
  limits.contents.bytes = 1;
  const Look look(config(), limits);
  EXPECT_EQ(look.facts.training.images->read, 5);
  EXPECT_EQ(look.facts.training.compared, 1) << "a file ends what exceeds the limit";
  EXPECT_EQ(look.facts.common->look_alikes.trained, 4);
  EXPECT_EQ(look.facts.common->look_alikes.evaluated, 4);
  std::string said;
  for (const auto& [name, value] : rows_of(look.sides->training, look.facts.training)) said += value + "\n";
  EXPECT_THAT(said, AllOf(HasSubstr("(of 5 sampled images)"), HasSubstr("(of 1 sampled image)")));
}

TEST_F(OfImages, ThePageEscapesEveryName) {
  make();
  const std::string name = "<script>alert('x')<";
  for (int i = 0; i < 4; ++i)
    add("train/" + name + "/\"onload=" + std::to_string(i) + ".png", striped(11, i));
  add("test/c4/<b>copy.png", striped(11, 1));
  const std::string page = Look(config("sampler: {samples_per_class: 2}\n")).page();
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;"), HasSubstr("&lt;b&gt;copy.png")));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<b>copy")), Not(HasSubstr("\"onload"))));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("http:")), Not(HasSubstr("https:"))));
}

TEST_F(OfImages, TheFirstBatchIsTheOneThatTheLoaderGives) {
  make();
  const Look look(config("sampler: {samples_per_class: 2}\nseed: 7\n"), Look::patient(),
                  {"data.loader.cache_mib=0"});
  const run::TrainingData data = run::open_training_data(look.config, 1);
  sampler::Loader loader(data.examples, data.sampler, {}, {}, 7);
  const sampler::Batch batch = loader.next();
  EXPECT_EQ(look.sides->training.images, look.sides->data->dataset()) << "opened once";
  const std::string sheet = batch_sheet(look.config, *look.sides->data);
  for (int64_t row = 0; row < 8; ++row) {
    const std::string name = data.dataset()->class_name(batch.labels[static_cast<size_t>(row)]);
    const sampler::Image seen = seen_image(batch.features.pixels_nCHW[row], look.config.data.image);
    EXPECT_THAT(sheet, HasSubstr(exact_tag(seen, name))) << row;
  }
}

TEST_F(OfImages, ExplicitPairsAreCountedAndShown) {
  make();
  folder_.write("photos/pairs.tsv",
                "train/c0/0.png\ttrain/c0/1.png\t1\ntrain/c0/0.png\ttrain/c1/1.png\t0\n"
                "train/c2/0.png\ttrain/c1/1.png\t0\n");
  const Look look(folder_.write("pairs.yaml", "data:\n  root: " + folder_.path("photos") +
                                                  "\n  tuples: pairs.tsv\nloss: {name: contrastive}\n"
                                                  "global_batch: 4\n"));
  EXPECT_EQ(look.facts.training.same, 1);
  EXPECT_EQ(look.facts.training.different, 2);
  EXPECT_FALSE(look.facts.evaluation);
  EXPECT_THAT(look.page(), AllOf(HasSubstr("not the same"), HasSubstr("train/c2/0.png")));
  // The batch says which images form a pair, whether it is one, and where they are.
  const std::string sheet = batch_sheet(look.config, *look.sides->data);
  EXPECT_THAT(sheet, AllOf(HasSubstr("not the same"), HasSubstr("<figcaption>train/c")));
  EXPECT_THAT(sheet, HasSubstr("mean and std are undone"));
}

TEST_F(OfImages, DamagedOnesThatAreLeftOutAreSaidToBe) {
  make();
  testing::write_bytes(folder_.path("photos/train/c0/bad.png"), "\x89PNG and nothing");
  const std::string file = config("sampler: {samples_per_class: 2}\n");
  EXPECT_THAT(Look(file).facts.warnings, Contains(HasSubstr("or set data.loader.on_bad_record: skip. The")));
  EXPECT_THAT(Look(file, Look::patient(), {"data.loader.on_bad_record=skip"}).facts.warnings,
              Contains(HasSubstr("or they are left out (data.loader.on_bad_record: skip). The")));
}

TEST(SeenImages, UndoMeanAndStd) {
  sampler::ImageTransformConfig config;
  config.width = config.height = 24;
  config.mean = {0.3};
  config.std = {0.2};
  const sampler::ImageTransform transform(config, 1);
  const sampler::Image image = striped(1, 2);
  std::vector<float> values(static_cast<size_t>(transform.numel()));
  transform.plain(image, values);
  const at::Tensor x_CHW = at::from_blob(values.data(), {1, 24, 24}, at::kFloat);
  EXPECT_EQ(seen_image(x_CHW, config).pixels, image.pixels);
}

class OfTexts : public ::testing::Test {
 protected:
  void make(const std::string& train, const std::string& test, const std::string& format = "labels") {
    folder_.write("train.jsonl", train);
    folder_.write("test.jsonl", test);
    folder_.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\none\ntwo\nthree\nfour\nfive\nsix\n");
    folder_.write("run.yaml", "data:\n  kind: texts\n  root: " + folder_.path("") +
                                  "\n  train: {path: train.jsonl}\n  text: {format: " + format +
                                  ", tokenizer: {path: vocab.txt, max_tokens: 5}}\n"
                                  "encoder: {name: bag_of_tokens, width: 8}\nglobal_batch: 4\n"
                                  "evaluate: {data: {path: test.jsonl}, text: {format: " +
                                  format + "}}\n");
  }
  static std::string row(const std::string& text, const std::string& label) {
    return R"({"text": ")" + text + R"(", "label": ")" + label + "\"}\n";
  }
  Look look() const { return Look(folder_.path("run.yaml")); }

  testing::TextFolder folder_;
};

TEST_F(OfTexts, TokensCopiesAndLookAlikes) {
  make(row("one two", "a") + row("one two", "a") + row("three four", "a") +
           row("one two three four five", "b") + row("six strange", "b") + row("three four", "b") +
           row("five six one four two six three", "b"),
       row("three four", "c") + row("five six one four two six three.", "d") + row("four one", "c"));
  const Look seen = look();
  const SideFacts& training = seen.facts.training;
  EXPECT_EQ(training.tokens->read, 7);
  EXPECT_EQ(training.tokens->cut, 2) << "at five tokens with begin and end";
  EXPECT_EQ(training.tokens->unknown, 1);
  EXPECT_EQ(training.duplicates.copies, 2);
  EXPECT_EQ(training.duplicates.contradictions, 1);
  EXPECT_EQ(seen.facts.common->copies.copies, 1);
  EXPECT_EQ(seen.facts.common->look_alikes.alike, 1);
  EXPECT_THAT(seen.facts.warnings, Contains(HasSubstr("29 % of the texts are cut")));
  EXPECT_THAT(seen.facts.warnings, Contains(HasSubstr("unknown to the vocabulary")));
  EXPECT_THAT(seen.page(),
              AllOf(HasSubstr("<i class=\"unknown\">[UNK]</i>"), HasSubstr("cut after 5 tokens")));
}

TEST_F(OfTexts, RowsOfPairsAreComparedAsRows) {
  const auto pair = [](const std::string& a, const std::string& b, int same) {
    return R"({"sentence1": ")" + a + R"(", "sentence2": ")" + b + R"(", "label": )" + std::to_string(same) +
           "}\n";
  };
  make(pair("one", "two", 1) + pair("one", "three", 0) + pair("one", "two", 1),
       pair("one", "four", 1) + pair("one", "five", 0), "pairs");
  const Look seen = look();
  EXPECT_EQ(seen.facts.training.same, 2);
  EXPECT_EQ(seen.facts.training.different, 1);
  EXPECT_EQ(seen.facts.training.compared, 3);
  EXPECT_EQ(seen.facts.training.duplicates.copies, 1);
  EXPECT_THAT(seen.facts.warnings, Contains(HasSubstr("1 of 3 rows are copies of others; remove them, since "
                                                      "they count twice")));
  const std::string page = seen.page();
  EXPECT_THAT(page, HasSubstr("not the same"));
  const std::string copies = page.substr(page.find("Copies within"), 1000);
  EXPECT_THAT(copies, AllOf(HasSubstr(">one</p>"), HasSubstr(">two</p>"), HasSubstr("train.jsonl:3")));
  EXPECT_THAT(page, Not(HasSubstr("mean and std are undone"))) << "there are no pixels";
}

// The number is that of the log of a training: each text counts once.
TEST_F(OfTexts, TextsOnBothSidesAreCountedOnce) {
  const auto pair = [](const std::string& a, const std::string& b) {
    return R"({"sentence1": ")" + a + R"(", "sentence2": ")" + b + R"(", "label": 1})" + "\n";
  };
  make(pair("one", "two") + pair("one", "three"),
       pair("one", "four") + pair("one", "five") + pair("six", "two"), "pairs");
  const Look seen = look();
  EXPECT_EQ(seen.facts.common->copies.copies, 2);
  EXPECT_EQ(seen.facts.common->evaluated, 5);
  const std::string log =
      run::overlap_lines(seen.config, seen.sides->training.samples(), seen.sides->evaluation->samples())
          .front()
          .text;
  EXPECT_THAT(log, HasSubstr("2 of the 5 texts of the evaluation are trained on too"));
  EXPECT_THAT(seen.facts.warnings,
              Contains(HasSubstr("2 of the 5 texts of the evaluation are in the training")));
}

}  // namespace
}  // namespace lodestone::data_view
