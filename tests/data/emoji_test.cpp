#include "trainer/data/emoji.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "data/shard_reader.h"
#include "trainer/data/emoji_family.h"

namespace lodestone {
using namespace data;
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(EmojiFamily, IsWhatSiblingsHaveInCommon) {
  EXPECT_EQ(family_of(U"\U0001F44B"), "U+1F44B");
  EXPECT_EQ(family_of(U"\U0001F44B\U0001F3FF"), "U+1F44B") << "skin tone";
  EXPECT_EQ(family_of(U"\U0001F3C3\u200D\u2640"), "U+1F3C3") << "woman running";
  EXPECT_EQ(family_of(U"\U0001F469\u200D\U0001F680"), family_of(U"\U0001F9D1\U0001F3FB\u200D\U0001F680"))
      << "astronauts";
  EXPECT_EQ(family_of(U"\U0001F468\u200D\U0001F9B0"), family_of(U"\U0001F469")) << "red hair";
  EXPECT_EQ(family_of(U"\U0001F468\u200D\U0001F469\u200D\U0001F466"), family_of(U"\U0001F46A")) << "families";
  EXPECT_EQ(family_of(U"\U0001F469\u200D\u2764\u200D\U0001F468"), family_of(U"\U0001F491")) << "couples";
  EXPECT_EQ(family_of(U"1\u20E3"), family_of(U"#\u20E3")) << "keycaps";
  EXPECT_EQ(family_of(U"\U0001F550"), family_of(U"\U0001F567")) << "clock faces";
  EXPECT_EQ(family_of(U"\u2640"), "U+2640") << "a modifier by itself";
  EXPECT_NE(family_of(U"\U0001F1E9\U0001F1EA"), family_of(U"\U0001F1EB\U0001F1F7"))
      << "flags of two countries";
}

// Names for a block of emoji, and for some of them in every skin tone.
void write_names(const fs::path& folder) {
  const auto entry = [](const std::string& code, const std::string& name) {
    return "<annotation cp=\"" + code + "\">" + name + " | picture</annotation><annotation cp=\"" + code +
           "\" type=\"tts\">" + name + "</annotation>";
  };
  const auto utf8 = [](char32_t code) {
    std::string bytes{static_cast<char>(0xF0)};
    for (const int shift : {12, 6, 0}) bytes += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
    return bytes;
  };
  std::string plain, derived;
  for (char32_t code = 0x1F300; code < 0x1F500; ++code) {
    plain += entry(utf8(code), "image " + std::to_string(code));
    for (char32_t tone = 0x1F3FB; code >= 0x1F442 && code <= 0x1F450 && tone <= 0x1F3FF; ++tone)
      derived +=
          entry(utf8(code) + utf8(tone), "image " + std::to_string(code) + " in " + std::to_string(tone));
  }
  plain += "<annotation cp=\"a\" type=\"tts\">no emoji</annotation>";
  for (const auto& [name, list] :
       {std::pair("annotations", plain), std::pair("annotationsDerived", derived)}) {
    make_folders(folder / name);
    write_file_synced(folder / name / "en.xml", "<ldml><annotations>" + list + "</annotations></ldml>");
  }
}

class EmojiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(options_.font)) GTEST_SKIP() << "the package fonts-noto-color-emoji is not installed";
    write_names(source_.path());
    options_.source = source_.path();
    options_.output = output_.path();
    options_.image_size = 24;
  }
  TempFolder source_, output_;
  EmojiOptions options_;
};

TEST_F(EmojiTest, ImagesHaveCaptionsAndSiblingsAreOnOneSide) {
  const auto report = make_emoji(options_, silent_log());
  std::map<std::string, Split> side;
  int64_t images = 0, captions = 0, siblings = 0;
  for (const Split split : kSplits) {
    const auto members = read_shard(output_.path() / report.splits[static_cast<size_t>(split)].shard.name);
    for (const auto& [name, bytes] : members) {
      if (name.ends_with(".png")) {
        ++images;
        ASSERT_GT(bytes.size(), 26u);
        EXPECT_EQ(bytes[19], 24) << "width";
        EXPECT_EQ(bytes[25], 2) << "red, green, blue";
        continue;
      }
      const auto about = nlohmann::json::parse(bytes);
      EXPECT_EQ(about.at("captions").at(0), about.at("class"));
      captions += static_cast<int64_t>(about.at("captions").size());
      const auto [place, first] = side.emplace(about.at("group"), split);
      siblings += !first;
      EXPECT_EQ(place->second, split) << name;
    }
  }
  EXPECT_GT(images, 500);
  EXPECT_EQ(captions, 2 * images);
  EXPECT_GT(siblings, 45) << "hands in five skin tones";
  EXPECT_EQ(report.repeated, 0);
}

TEST_F(EmojiTest, BytesAreTheSameAgainWithOtherThreads) {
  const TempFolder again;
  make_emoji(options_, silent_log());
  options_.output = again.path();
  options_.threads = 3;
  make_emoji(options_, silent_log());
  EXPECT_TRUE(read_folder(again.path()) == read_folder(output_.path()));
}

TEST_F(EmojiTest, AFontWithoutColourIsRefused) {
  options_.font = options_.source / "annotations/en.xml";
  EXPECT_THROW(make_emoji(options_, silent_log()), DataError);
  EXPECT_TRUE(fs::is_empty(output_.path()));
}

TEST(EmojiWithoutPackages, SaysWhatToInstall) {
  const TempFolder empty, output;
  EmojiOptions options;
  options.output = output.path();
  options.font = empty.path() / "none.ttf";
  try {
    make_emoji(options, silent_log());
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("apt-get install --no-install-recommends fonts-noto-color-emoji"));
  }
}

TEST(EmojiOptionsTest, OutOfRangeIsAConfigError) {
  EmojiOptions options;
  EXPECT_THROW(make_emoji(options, silent_log()), ConfigError) << "no output";
  options.output = "unused";
  options.image_size = 8;
  EXPECT_THROW(make_emoji(options, silent_log()), ConfigError);
}

}  // namespace
}  // namespace lodestone
