#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/files.h"
#include "data/shard_reader.h"
#include "trainer/data/letters.h"
#include "trainer/data/lookalikes.h"
#include "trainer/data/parallel.h"
#include "trainer/data/shard_writer.h"
#include "trainer/data/sketch.h"
#include "trainer/data/split.h"

namespace lodestone {
using namespace data;
using namespace sampler;
namespace {

TEST(ShardWriter, WritesTheSameBytesForTheSameMembers) {
  const TempFolder folder;
  ShardFile files[2];
  for (int i = 0; i < 2; ++i) {
    ShardWriter writer(folder.path() / ("shard-" + std::to_string(i) + ".tar"));
    writer.add("b.json", "{}");
    writer.add("a.png", std::string(700, '\1'));
    writer.add("empty.json", "");
    files[i] = writer.close();
  }
  EXPECT_EQ(files[0].name, "shard-0.tar");
  EXPECT_EQ(files[0].checksum, files[1].checksum);
  EXPECT_EQ(files[0].bytes, read_file(folder.path() / "shard-1.tar").size());
  const std::vector<Member> expected{{"b.json", "{}"}, {"a.png", std::string(700, '\1')}, {"empty.json", ""}};
  EXPECT_EQ(read_shard(folder.path() / "shard-1.tar"), expected);
}

TEST(ShardWriter, LeavesNoFileUnlessClosed) {
  const TempFolder folder;
  { ShardWriter(folder.path() / "shard.tar").add("a.json", "{}"); }
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "shard.tar"));
}

TEST(ShardWriter, RefusesNamesThatUstarCannotHold) {
  const TempFolder folder;
  ShardWriter writer(folder.path() / "shard.tar");
  EXPECT_THROW(writer.add(std::string(300, 'x') + ".png", "bytes"), DataError);
}

TEST(ShardWriter, NamesThePlaceItCannotWrite) {
  const TempFolder folder;
  ShardWriter writer(folder.path() / "absent" / "shard.tar");
  writer.add("a.json", "{}");
  EXPECT_THROW(writer.close(), IoError);
}

TEST(Split, TakesTheLongestRowThatBeginsAFamily) {
  EXPECT_EQ(split_of_family("Meera"), Split::kValidation);
  EXPECT_EQ(split_of_family("Meera Inimai"), Split::kTest);
  EXPECT_EQ(split_of_family("Noto Sans Lao"), Split::kTest);
  EXPECT_EQ(split_of_family("GFS Didot"), Split::kTrain);
  EXPECT_EQ(split_of_family("Notorious"), std::nullopt) << "another family that begins alike";
  EXPECT_EQ(split_of_family("Noto Sans Lao UI"), std::nullopt) << "a copy in another line spacing";
  EXPECT_EQ(split_of_family("Go Smallcaps"), std::nullopt);
  EXPECT_EQ(split_of_script("latin"), Split::kTrain);
  EXPECT_EQ(split_of_script("common"), std::nullopt);
}

TEST(Letters, AreLettersOfOneScriptWithoutCompatibilityForms) {
  EXPECT_TRUE(is_letter(U'A'));
  EXPECT_TRUE(is_letter(U'\u00E9')) << "e with acute";
  EXPECT_TRUE(is_letter(U'\u0E01')) << "Thai ko kai";
  EXPECT_FALSE(is_letter(U'1'));
  EXPECT_FALSE(is_letter(U'\u0301')) << "a combining mark";
  EXPECT_FALSE(is_letter(U'\u02B0')) << "a modifier letter";
  EXPECT_FALSE(is_letter(U'\uFB01')) << "the ligature fi";
  EXPECT_FALSE(is_letter(U'\u00B5')) << "the micro sign";
  EXPECT_FALSE(is_letter(U'\U0001D400')) << "a mathematical bold A";
  EXPECT_EQ(class_name(U'A'), "latin/U+0041");
  EXPECT_EQ(class_name(U'\U00010330'), "gothic/U+10330");
  EXPECT_EQ(letter_name(U'A'), "LATIN CAPITAL LETTER A");
}

Sketch sketch_of(int left, int width) {
  Image image(Sketch::kDrawnSize, Sketch::kDrawnSize, 1);
  for (int y = 0; y < Sketch::kDrawnSize; ++y)
    for (int x = left; x < left + width; ++x) image.at(x, y) = 255;
  return Sketch(image);
}

TEST(Sketch, SameDrawingIsRelativeToTheInk) {
  EXPECT_TRUE(same_drawing(sketch_of(10, 20), sketch_of(10, 20), 0));
  EXPECT_FALSE(same_drawing(sketch_of(10, 20), sketch_of(10, 18), 0.09)) << "a tenth is missing";
  EXPECT_TRUE(same_drawing(sketch_of(10, 20), sketch_of(10, 18), 0.11));
  EXPECT_FALSE(same_drawing(sketch_of(0, 10), sketch_of(20, 10), 0.5)) << "as much ink elsewhere";
}

// A typeface that has the letters and draws the pairs alike.
Survey survey_of(std::vector<char32_t> letters, std::vector<LetterPair> alike) {
  return {letters, std::vector<Sketch>(letters.size(), sketch_of(0, 2)), std::move(alike)};
}

TEST(LookAlikes, NeedTwoTypefacesAndHalfOfThoseThatHaveBoth) {
  const std::vector<char32_t> letters{U'B', U'G', U'K', U'R', U'W'};
  const std::vector<Survey> surveys{
      survey_of(letters, {{U'B', U'G'}, {U'K', U'R'}, {U'R', U'W'}}),
      survey_of(letters, {{U'B', U'G'}, {U'K', U'R'}}),
      survey_of(letters, {{U'B', U'G'}}),
      survey_of(letters, {}),
      survey_of(letters, {}),
      survey_of({U'B', U'K'}, {}),
  };
  const auto alike = find_look_alikes(letters, surveys);
  EXPECT_EQ(alike.group.at(U'G'), U'B') << "3 of 5";
  EXPECT_EQ(alike.group.at(U'R'), U'R') << "2 of 5";
  EXPECT_EQ(alike.group.at(U'W'), U'W') << "1 of 5";
  EXPECT_EQ(alike.measured, 1);
}

TEST(LookAlikes, AreThoseOfUnicodesTableWithoutAnyTypeface) {
  const auto alike = find_look_alikes({U'A', U'B', U'\u0391', U'\u0410'}, {});
  EXPECT_EQ(alike.group.at(U'\u0391'), U'A');
  EXPECT_EQ(alike.group.at(U'\u0410'), U'A');
  EXPECT_EQ(alike.group.at(U'B'), U'B');
  EXPECT_EQ(alike.confusable, 2);
}

TEST(LookAlikes, AChainEndsAtTheLargestGroup) {
  std::vector<char32_t> letters;
  std::vector<LetterPair> chain;
  for (char32_t code = U'\u4E00'; code < U'\u4E00' + 40; ++code) {
    if (!letters.empty()) chain.emplace_back(letters.back(), code);
    letters.push_back(code);
  }
  const auto alike = find_look_alikes(letters, {survey_of(letters, chain), survey_of(letters, chain)});
  std::map<char32_t, int> size;
  for (const auto& [letter, group] : alike.group) ++size[group];
  for (const auto& [group, count] : size) EXPECT_LE(count, LookAlikes::kLargestGroup);
  EXPECT_GT(alike.refused, 0);
}

TEST(ParallelFor, CallsEachOnceAndThrowsWhatAWorkerThrew) {
  std::vector<std::atomic<int>> calls(100);
  parallel_for(calls.size(), 4, [&](size_t i) { ++calls[i]; });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
  parallel_for(0, 4, [](size_t) { FAIL(); });
  EXPECT_THROW(parallel_for(10, 4,
                            [](size_t i) {
                              if (i == 3) throw std::runtime_error("three");
                            }),
               std::runtime_error);
}

}  // namespace
}  // namespace lodestone
