#include "trainer/data/wordnet.h"

#include <map>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The first synsets of the installed WordNet's files.
void copy_beginning(const fs::path& folder, int synsets) {
  for (const std::string name : {"data.noun", "data.verb", "data.adj", "data.adv"}) {
    const std::string whole = read_file("/usr/share/wordnet/" + name);
    size_t end = 0;
    for (int line = 0; line < synsets + 29; ++line) end = whole.find('\n', end) + 1;  // 29 lines of licence
    write_file_synced(folder / name, whole.substr(0, end));
  }
}

class WordnetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists("/usr/share/wordnet/data.noun"))
      GTEST_SKIP() << "the package wordnet-base is not installed";
    copy_beginning(source_.path(), 1500);
  }
  TempFolder source_, output_;
};

TEST_F(WordnetTest, SplitsShareNoLabelTextOrWordOfSeveralMeanings) {
  const auto report = make_wordnet({output_.path(), source_.path()}, silent_log());
  std::map<std::string, std::string> owner;  // of a text: its label
  std::map<std::string, std::set<std::string>> roles;
  for (const Split split : kSplits) {
    const auto& part = report.splits[static_cast<size_t>(split)];
    EXPECT_GT(part.concepts, 10) << name_of(split);
    EXPECT_GE(part.names, 2 * part.concepts);
    std::istringstream lines(read_file(output_.path() / (std::string(name_of(split)) + ".jsonl")));
    for (std::string line; std::getline(lines, line);) {
      const auto row = nlohmann::json::parse(line);
      EXPECT_TRUE(owner.emplace(row.at("text"), row.at("label")).second) << line;
      roles[row.at("label")].insert(std::string(row.at("role")));
    }
  }
  for (const auto& [label, found] : roles) EXPECT_THAT(found, ElementsAre("definition", "word")) << label;
}

TEST_F(WordnetTest, TheSameFilesGiveTheSameBytes) {
  const TempFolder again;
  make_wordnet({output_.path(), source_.path()}, silent_log());
  make_wordnet({again.path(), source_.path()}, silent_log());
  EXPECT_EQ(read_folder(again.path()), read_folder(output_.path()));
}

TEST_F(WordnetTest, ADamagedLineIsNamed) {
  write_file_synced(source_.path() / "data.verb", "00001740 29 v 04 breathe 0 respire");
  try {
    make_wordnet({output_.path(), source_.path()}, silent_log());
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("data.verb line 1"));
  }
}

TEST(WordnetWithoutPackage, SaysWhatToInstall) {
  const TempFolder empty, output;
  try {
    make_wordnet({output.path() / "data", empty.path()}, silent_log());
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(
        error.what(),
        HasSubstr(
            "check --source, or install it: sudo apt-get install --no-install-recommends wordnet-base"));
    EXPECT_THAT(error.what(), HasSubstr(empty.path().string()));
  }
  EXPECT_FALSE(fs::exists(output.path() / "data"));
}

TEST(WordnetFiles, AreReadAsWndbSays) {
  const TempFolder source, output;
  std::string nouns = "  1 licence\n";
  for (int i = 0; i < 200; ++i) {
    const std::string number = std::to_string(10000000 + i), word = checksum(number);
    nouns += number + " 03 n 02 " + word.substr(0, 8) + "_" + word.substr(8, 8) + " 0 " + word.substr(16, 8) +
             " 1 001 @ 00000000 n 0000 | meaning of " + word + "; \"an example of it\"  \n";
  }
  write_file_synced(source.path() / "data.noun", nouns);
  write_file_synced(source.path() / "data.verb", "");
  write_file_synced(source.path() / "data.adv", "");
  write_file_synced(source.path() / "data.adj", "20000000 00 s 01 close_to(p) 0 000 | near in space  \n");
  make_wordnet({output.path(), source.path()}, silent_log());
  std::string all;
  for (const auto& [name, text] : read_folder(output.path()))
    if (name.ends_with(".jsonl")) all += text;
  EXPECT_THAT(all, HasSubstr(R"({"text":"near in space","label":"20000000-a","role":"definition"})"));
  EXPECT_THAT(all, HasSubstr(R"({"text":"close to","label":"20000000-a","role":"word"})"));
  EXPECT_EQ(all.find("an example"), std::string::npos);
  EXPECT_EQ(all.find('_'), std::string::npos) << "words are written with spaces";
}

}  // namespace
}  // namespace lodestone
