#include "trainer/data/cldr.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "data/shard_reader.h"

namespace lodestone {
using namespace data;
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Locale data in 21 languages: territories with names of their own letters, and one of every other section.
void write_locales(const fs::path& folder) {
  for (const char* part : {"main", "subdivisions", "annotations"}) make_folders(folder / part);
  for (const std::string language : {"en", "de", "fr", "es", "pt", "pl", "ru", "uk", "el", "tr", "ar",
                                     "fa", "he", "hi", "bn", "th", "vi", "id", "zh", "ja", "ko"}) {
    std::string territories;
    for (int i = 0; i < 60; ++i)
      territories += "<territory type=\"T" + std::to_string(i) + "\">" +
                     checksum(language + std::to_string(i)) + "</territory>";
    write_file_synced(
        folder / "main" / (language + ".xml"),
        "<ldml><localeDisplayNames><languages><language type=\"xx\">langue " + language +
            "</language><language type=\"xx\" alt=\"short\">short " + language +
            "</language></languages><territories>" + territories +
            "<territory type=\"T99\">\u2191\u2191\u2191</territory></territories></localeDisplayNames>"
            "<numbers><currencies><currency type=\"XTS\"><displayName>coin " +
            language +
            "</displayName><displayName count=\"one\">a "
            "coin</displayName></currency></currencies></numbers></ldml>");
    write_file_synced(folder / "subdivisions" / (language + ".xml"), "<ldml/>");
    write_file_synced(folder / "annotations" / (language + ".xml"),
                      "<ldml><annotations><annotation cp=\"\U0001F600\">key | words</annotation><annotation "
                      "cp=\"\U0001F600\" "
                      "type=\"tts\">grin " +
                          language + "</annotation></annotations></ldml>");
  }
}

std::string all_lines(const fs::path& folder) {
  std::string all;
  for (const auto& [name, text] : read_folder(folder))
    if (name.ends_with(".jsonl") && !name.ends_with("-pairs.jsonl")) all += text;
  return all;
}

TEST(Cldr, TakesTheNamesOfEachSectionOnce) {
  const TempFolder source, output, again;
  write_locales(source.path());
  const auto report = make_cldr({output.path(), source.path()}, silent_log());
  const std::string all = all_lines(output.path());
  int64_t things = report.left_out;
  for (const auto& part : report.splits) things += part.concepts;
  EXPECT_EQ(things, 63) << "60 territories, a language, a currency, a symbol";
  EXPECT_THAT(all, HasSubstr(R"("label":"territory/T7","language":"ko")"));
  for (const char* unwanted : {"short en", "a coin", "key | words", "T99", "\u2191"})
    EXPECT_EQ(all.find(unwanted), std::string::npos) << unwanted;

  make_cldr({again.path(), source.path()}, silent_log());
  EXPECT_EQ(read_folder(again.path()), read_folder(output.path()));
}

TEST(Cldr, MissingAndDamagedFilesAreNamed) {
  const TempFolder source, output;
  try {
    make_cldr({output.path() / "data", source.path()}, silent_log());
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("apt-get install --no-install-recommends unicode-cldr-core"));
  }
  write_locales(source.path());
  write_file_synced(source.path() / "main" / "pl.xml", "<ldml><localeDisplayNames>");
  try {
    make_cldr({output.path() / "data", source.path()}, silent_log());
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("pl.xml"));
  }
  EXPECT_FALSE(fs::exists(output.path() / "data"));
}

TEST(Cldr, ReadsTheInstalledPackage) {
  if (!fs::exists("/usr/share/unicode/cldr/common/main/en.xml"))
    GTEST_SKIP() << "the package unicode-cldr-core is not installed";
  const TempFolder output;
  const auto report = make_cldr({output.path()}, silent_log());
  std::set<std::string> texts;
  for (const Split split : kSplits) {
    EXPECT_GT(report.splits[static_cast<size_t>(split)].concepts, 200) << name_of(split);
    std::istringstream lines(read_file(output.path() / (std::string(name_of(split)) + ".jsonl")));
    for (std::string line; std::getline(lines, line);)
      ASSERT_TRUE(texts.insert(nlohmann::json::parse(line).at("text")).second) << line;
  }
}

}  // namespace
}  // namespace lodestone
