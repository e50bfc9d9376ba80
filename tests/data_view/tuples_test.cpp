// Explicit pairs and triplets: how many, which never, and that training reads them back.
#include "sampler/sources/tuples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "support/images.h"
#include "support/text_files.h"
#include "trainer/data_view/tuple_list.h"

namespace lodestone::data_view {
namespace {

using ::testing::HasSubstr;
using testing::SyntheticImages;
namespace fs = std::filesystem;

/// Samples of named classes, in any order; a sample's key is its name.
class Named : public sampler::Dataset {
 public:
  struct Sample {
    std::string name;
    int64_t label;
  };
  Named(std::vector<Sample> samples, int64_t classes) : samples_(std::move(samples)), classes_(classes) {}

  int64_t size() const override { return static_cast<int64_t>(samples_.size()); }
  int64_t label(int64_t i) const override { return samples_[static_cast<size_t>(i)].label; }
  uint64_t id(int64_t i) const override { return sampler::sample_id(key(i)); }
  std::string key(int64_t i) const override { return samples_[static_cast<size_t>(i)].name; }
  int64_t classes() const override { return classes_; }
  std::string class_name(int64_t c) const override { return "class " + std::to_string(c); }
  int64_t group(int64_t c) const override { return c; }

 private:
  std::vector<Sample> samples_;
  int64_t classes_;
};

// The message of the error that `work` throws; "" if it throws none.
template <typename Work>
std::string error_of(const Work& work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

using NamedPair = std::pair<std::string, std::string>;

std::vector<NamedPair> names_of(const sampler::Dataset& data, const DrawnTuples& drawn) {
  std::vector<NamedPair> names;
  for (const sampler::Tuple& t : drawn.tuples) names.emplace_back(data.key(t.anchor), data.key(t.other));
  return names;
}

/// Counts the pairs that two samples have in common, in any order.
std::map<std::pair<int64_t, int64_t>, int> uses_of(const std::vector<sampler::Tuple>& tuples) {
  std::map<std::pair<int64_t, int64_t>, int> uses;
  for (const sampler::Tuple& t : tuples) {
    ++uses[std::minmax({t.anchor, t.other})];
    if (t.is_triplet()) ++uses[std::minmax({t.anchor, t.negative})];
  }
  return uses;
}

void expect_sound(const sampler::Dataset& data, const std::vector<sampler::Tuple>& tuples) {
  const auto group = [&](int64_t i) { return data.group(data.label(i)); };
  for (const sampler::Tuple& t : tuples) {
    if (t.same) {
      EXPECT_EQ(data.label(t.anchor), data.label(t.other));
    } else {
      EXPECT_NE(group(t.anchor), group(t.other));
    }
    EXPECT_NE(data.id(t.anchor), data.id(t.other));
    if (t.is_triplet()) {
      EXPECT_NE(group(t.anchor), group(t.negative));
    }
  }
  for (const auto& [pair, times] : uses_of(tuples)) EXPECT_EQ(times, 1) << pair.first << " " << pair.second;
}

TEST(DrawTuples, HalfOfThePairsAreTheSameAndNoneComesTwice) {
  const SyntheticImages images(8, 6, {0, 0, 1, 2, 3, 4, 4, 4});
  for (const int64_t count : {1, 2, 7, 40, 200}) {
    const DrawnTuples drawn = draw_tuples(images, {.count = count, .seed = 3});
    ASSERT_EQ(static_cast<int64_t>(drawn.tuples.size()), count);
    EXPECT_EQ(std::ranges::count_if(drawn.tuples, &sampler::Tuple::same), count - count / 2);
    expect_sound(images, drawn.tuples);
  }
}

TEST(DrawTuples, TripletsHaveANegativeOfAnotherGroup) {
  const SyntheticImages images(5, 4, {0, 0, 1, 1, 2});
  const DrawnTuples drawn = draw_tuples(images, {.count = 25, .triplets = true, .seed = 1});
  ASSERT_EQ(drawn.tuples.size(), 25U);
  for (const sampler::Tuple& t : drawn.tuples) EXPECT_TRUE(t.is_triplet());
  expect_sound(images, drawn.tuples);
}

TEST(DrawTuples, AreAFunctionOfSeedAndSamplesNotOfTheirOrder) {
  std::vector<Named::Sample> samples;
  for (int i = 0; i < 60; ++i) samples.push_back({"s" + std::to_string(i), i % 7});
  const Named data(samples, 7);
  const auto drawn = names_of(data, draw_tuples(data, {.count = 50, .seed = 5}));
  EXPECT_EQ(drawn, names_of(data, draw_tuples(data, {.count = 50, .seed = 5})));
  EXPECT_NE(drawn, names_of(data, draw_tuples(data, {.count = 50, .seed = 6})));
  Random(1, Purpose::kShuffle).shuffle(samples);
  const Named shuffled(samples, 7);
  EXPECT_EQ(drawn, names_of(shuffled, draw_tuples(shuffled, {.count = 50, .seed = 5})));
}

TEST(DrawTuples, EveryClassGivesTheSameOrAllItHas) {
  std::vector<Named::Sample> samples;
  const int sizes[] = {1, 2, 3, 40, 50};
  for (int64_t c = 0; c < 5; ++c)
    for (int i = 0; i < sizes[c]; ++i) samples.push_back({std::to_string(c) + "/" + std::to_string(i), c});
  const Named data(samples, 5);
  const DrawnTuples drawn = draw_tuples(data, {.count = 208, .seed = 1});
  std::map<int64_t, int64_t> per_class;
  for (const sampler::Tuple& t : drawn.tuples) per_class[data.label(t.anchor)] += t.same ? 1 : 0;
  EXPECT_EQ(per_class, (std::map<int64_t, int64_t>{{1, 1}, {2, 3}, {3, 50}, {4, 50}}));
  EXPECT_EQ(drawn.lone, 1);
}

TEST(DrawTuples, StopWhereTheDataEnd) {
  const SyntheticImages images(2, 2);
  const DrawnTuples drawn = draw_tuples(images, {.count = 1000});
  EXPECT_EQ(drawn.tuples.size(), 4U) << "two positive pairs, each with one of the four negative ones";
  expect_sound(images, drawn.tuples);
  // One negative alone for each sample of the large class.
  std::vector<Named::Sample> samples = {{"alone", 0}};
  for (int i = 0; i < 3000; ++i) samples.push_back({"b" + std::to_string(i), 1});
  const Named data(samples, 2);
  expect_sound(data, draw_tuples(data, {.count = 2000}).tuples);
}

TEST(DrawTuples, LeaveOutWhatIsTwiceInAClassOrInTwo) {
  const Named data({{"a", 0}, {"a", 0}, {"b", 0}, {"c", 1}, {"d", 1}, {"x", 0}, {"x", 1}}, 2);
  const DrawnTuples drawn = draw_tuples(data, {.count = 100});
  EXPECT_EQ(drawn.repeated, 1);
  EXPECT_EQ(drawn.ambiguous, 2);
  EXPECT_EQ(drawn.tuples.size(), 4U);
  for (const auto& [a, b] : names_of(data, drawn)) EXPECT_TRUE(a != "x" && b != "x");
}

TEST(DrawTuples, NeedTwoSamplesOfAClassAndTwoGroups) {
  const auto error = [](const sampler::Dataset& data) {
    return error_of([&] { draw_tuples(data, {.count = 10}); });
  };
  EXPECT_THAT(error(SyntheticImages(5, 1)), HasSubstr("expected a class with at least two samples"));
  EXPECT_THAT(error(SyntheticImages(1, 5)), HasSubstr("expected at least two classes"));
  EXPECT_THAT(error(SyntheticImages(3, 5, {0, 0, 0})), HasSubstr("3 classes of one group"));
}

class TupleLists : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void write_classes(const std::string& below, int64_t classes = 4, int64_t samples = 5) const {
    for (int64_t c = 0; c < classes; ++c)
      for (int64_t i = 0; i < samples; ++i)
        testing::write_png(path(below) + "/c" + std::to_string(c) + "/" + std::to_string(i) + ".png",
                           testing::drawn_image(c, i));
  }
  std::string error(const TupleListOptions& options) const {
    return error_of([&] { write_tuple_list(options); });
  }
  // The class of an image by its name, "…c3/…" or "…!c3-4.png".
  static std::string class_of(const std::string& key) { return key.substr(key.find('c'), 2); }
  void expect_read_back(const std::string& list, size_t count) const {
    const sampler::TupleSet set = sampler::read_tuples(list, {}, {sampler::IndexCache::Place::kNone});
    ASSERT_EQ(set.tuples.size(), count);
    for (const sampler::Tuple& t : set.tuples) {
      const auto of = [&](int64_t i) { return class_of(fs::path(set.images->key(i)).generic_string()); };
      EXPECT_EQ(of(t.anchor) == of(t.other), t.same);
      if (t.is_triplet()) {
        EXPECT_NE(of(t.anchor), of(t.negative));
      }
    }
  }

  TempFolder folder_;
};

TEST_F(TupleLists, OfClassFoldersAreReadBack) {
  write_classes("photos");
  const TupleList list = write_tuple_list({.path = path("photos"), .output = path("pairs.tsv"), .count = 40});
  EXPECT_EQ(list.same, 20);
  EXPECT_EQ(list.different, 20);
  expect_read_back(path("pairs.tsv"), 40);
  EXPECT_THAT(list.configuration, HasSubstr("tuples: \"pairs.tsv\""));
  write_tuple_list({.path = path("photos"), .output = path("photos/t.tsv"), .count = 12, .triplets = true});
  expect_read_back(path("photos/t.tsv"), 12);
}

TEST_F(TupleLists, OfShardsNameTheirMembers) {
  for (int s = 0; s < 2; ++s) {
    testing::Tar tar;
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < 4; ++i)
        tar.add_sample("c" + std::to_string(c) + "-" + std::to_string(i), testing::drawn_image(c, 4 * s + i),
                       "c" + std::to_string(c));
    testing::write_bytes(path("train-" + std::to_string(s) + ".tar"), tar.finished());
  }
  write_tuple_list({.path = path("train-*.tar"), .output = path("pairs.tsv"), .count = 30});
  const sampler::TupleSet set =
      sampler::read_tuples(path("pairs.tsv"), {}, {sampler::IndexCache::Place::kNone});
  EXPECT_EQ(set.tuples.size(), 30U);
  EXPECT_THAT(set.images->key(0), HasSubstr(".tar!c"));
}

TEST_F(TupleLists, OfOneSplitOfAList) {
  write_classes("img");
  std::string list = "path,label,split\n";
  for (int c = 0; c < 4; ++c)
    for (int i = 0; i < 5; ++i)
      list += "img/c" + std::to_string(c) + "/" + std::to_string(i) + ".png,c" + std::to_string(c) +
              (c < 2 ? ",train\n" : ",test\n");
  testing::write_bytes(path("list.csv"), list);
  EXPECT_THAT(error({.path = path("list.csv"), .output = path("p.tsv")}), HasSubstr("split"));
  write_tuple_list({.path = path("list.csv"), .output = path("p.tsv"), .split = "train"});
  EXPECT_THAT(read_file(path("p.tsv")), ::testing::AllOf(HasSubstr("c1/"), ::testing::Not(HasSubstr("c2/"))));
}

TEST_F(TupleLists, OfTextsAreReadBack) {
  std::string rows = "text,label\n";
  for (int i = 0; i < 40; ++i)
    rows += "\"word " + std::to_string(i) + ", said\",l" + std::to_string(i % 4) + "\n";
  testing::write_bytes(path("texts.csv"), rows);
  const TupleList list =
      write_tuple_list({.path = path("texts.csv"), .output = path("p.jsonl"), .count = 30});
  EXPECT_TRUE(list.texts);
  const sampler::TextSet pairs = testing::open_text_file(path("p.jsonl"), sampler::TextFormat::kPairs);
  ASSERT_EQ(pairs.tuples.size(), 30U);
  for (const sampler::Tuple& t : pairs.tuples) {
    const auto number = [&](int64_t i) { return std::stoi(pairs.texts->get(i).substr(5)); };
    EXPECT_EQ(number(t.anchor) % 4 == number(t.other) % 4, t.same);
  }
  write_tuple_list({.path = path("texts.csv"), .output = path("t.jsonl"), .count = 10, .triplets = true});
  EXPECT_EQ(testing::open_text_file(path("t.jsonl"), sampler::TextFormat::kTriplets).tuples.size(), 10U);
}

TEST_F(TupleLists, NeverCrossSplits) {
  write_classes("data/train");
  write_classes("data/test");
  EXPECT_THAT(error({.path = path("data"), .output = path("p.tsv")}), HasSubstr("samples of one split"));
  EXPECT_FALSE(fs::exists(path("p.tsv")));
  write_tuple_list({.path = path("data/train"), .output = path("p.tsv")});
  // Classes may have such names.
  fs::rename(path("data/train/c0"), path("data/train/train"));
  fs::rename(path("data/train/c1"), path("data/train/test"));
  EXPECT_EQ(error({.path = path("data/train"), .output = path("p.tsv")}), "");
}

TEST_F(TupleLists, RefuseWhatAListCannotHold) {
  write_classes("photos");
  EXPECT_THAT(error({.path = path("photos"), .output = path("p.jsonl")}), HasSubstr("*.tsv for images"));
  EXPECT_THAT(error({.path = path("photos"), .output = path("deep/p.tsv")}), HasSubstr("or above it"));
  testing::write_bytes(path("t.txt"), "one\ntwo\n");
  EXPECT_THAT(error({.path = path("t.txt"), .output = path("p.jsonl")}), HasSubstr("texts with classes"));
}

TEST_F(TupleLists, SayWhatTheDataLack) {
  write_classes("few", 2, 2);
  testing::write_png(path("few/c2/0.png"), testing::drawn_image(2, 0));
  const TupleList list = write_tuple_list({.path = path("few"), .output = path("p.tsv"), .count = 100});
  EXPECT_THAT(list.notes, ::testing::ElementsAre(HasSubstr("1 class has one image"), HasSubstr("no more")));
}

}  // namespace
}  // namespace lodestone::data_view
