#include "trainer/data/typefaces.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "common/error.h"
#include "common/files.h"
#include "data/shard_reader.h"

namespace lodestone {
using namespace data;
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Links to a few font files of each split in one folder, so that the tests need seconds.
void link_fonts(const fs::path& folder) {
  const auto wanted = {"DejaVuS",           "Liberation", "FreeS", "NotoSansArmenian",
                       "NotoSerifArmenian", "Loma",       "Norasi"};
  if (!fs::is_directory("/usr/share/fonts")) return;
  for (const auto& entry : fs::recursive_directory_iterator("/usr/share/fonts")) {
    const std::string name = entry.path().filename().string();
    const auto begins = [&](const char* start) { return name.starts_with(start) && name.ends_with(".ttf"); };
    if (entry.is_regular_file() && std::ranges::any_of(wanted, begins) && !fs::exists(folder / name))
      fs::create_symlink(entry.path(), folder / name);
  }
}

// One small data set for all tests, made once: the first letters of every script (A of Latin, Greek and
// Cyrillic).
class TypefacesTest : public ::testing::Test {
 protected:
  static TypefacesOptions small(const fs::path& output) {
    TypefacesOptions options;
    options.output = output;
    options.font_roots = {fonts_->path()};
    options.limit = 36;
    options.max_typefaces = 10;
    return options;
  }

  static void SetUpTestSuite() {
    try {
      fonts_.emplace();
      folder_.emplace();
      link_fonts(fonts_->path());
      report_ = make_typefaces(small(folder_->path()), silent_log());
    } catch (const DataError& error) {
      missing_ = error.what();
      if (missing_.find("apt-get install") == std::string::npos) throw;
      return;
    }
    for (const Split split : kSplits) samples_[split] = read_split(folder_->path(), split);
  }
  static void TearDownTestSuite() {
    folder_.reset();
    fonts_.reset();
  }

  void SetUp() override {
    if (!missing_.empty())
      GTEST_SKIP() << "the font packages of trainer/data/packages.txt are not installed: " << missing_;
  }

  static std::string group_of(const std::string& label) {
    for (const auto& sample : samples_[Split::kTrain])
      if (sample.label == label) return sample.group;
    return "no such class";
  }

  static inline std::optional<TempFolder> fonts_, folder_;
  static inline TypefacesReport report_;
  static inline std::map<Split, std::vector<Sample>> samples_;
  static inline std::string missing_;
};

TEST_F(TypefacesTest, BytesAreTheSameAgainWithOtherThreads) {
  const TempFolder again;
  auto options = small(again.path());
  options.threads = 3;
  EXPECT_FALSE(make_typefaces(options, silent_log()).cached);
  EXPECT_TRUE(read_folder(again.path()) == read_folder(folder_->path()));
}

TEST_F(TypefacesTest, SplitsShareNoScriptFamilyClassGroupOrKey) {
  std::map<std::string, Split> owner;
  const auto claim = [&](const std::string& what, Split split) {
    EXPECT_EQ(owner.emplace(what, split).first->second, split) << what;
  };
  for (const Split split : kSplits) {
    for (const auto& sample : samples_[split]) {
      claim("script " + sample.script, split);
      claim("class " + sample.label, split);
      claim("group " + sample.group, split);
      claim("key " + sample.key, split);
      claim("typeface " + sample.typeface, split);
    }
    for (const auto& family : report_.split(split).families) claim("family " + family, split);
  }
}

TEST_F(TypefacesTest, ClassesHaveSixToTenInstancesByDistinctTypefaces) {
  for (const Split split : kSplits) {
    std::map<std::string, std::set<std::string>> typefaces;
    std::set<std::string> keys;
    for (const auto& sample : samples_[split]) {
      EXPECT_TRUE(typefaces[sample.label].insert(sample.typeface).second) << sample.key;
      EXPECT_TRUE(keys.insert(sample.key).second) << sample.key;
    }
    for (const auto& [label, names] : typefaces) {
      EXPECT_GE(names.size(), 6u) << label;
      EXPECT_LE(names.size(), 10u) << label;
    }
    EXPECT_EQ(report_.split(split).classes, static_cast<int64_t>(typefaces.size()));
    EXPECT_EQ(report_.split(split).instances, static_cast<int64_t>(samples_[split].size()));
  }
}

TEST_F(TypefacesTest, LookAlikesShareAGroup) {
  EXPECT_EQ(group_of("latin/U+0041"), "latin/U+0041");
  EXPECT_EQ(group_of("greek/U+0391"), "latin/U+0041");
  EXPECT_EQ(group_of("cyrillic/U+0410"), "latin/U+0041");
  EXPECT_EQ(group_of("latin/U+0063"), "latin/U+0043") << "c is a small C";
  EXPECT_NE(group_of("latin/U+0042"), "latin/U+0041");
  EXPECT_NE(group_of("latin/U+0041"), "no such class");
  EXPECT_NE(group_of("latin/U+0061"), "latin/U+0041") << "a is no small A";
}

TEST_F(TypefacesTest, ImagesAreGreyAndOfTheSizeAskedFor) {
  for (const Split split : kSplits)
    for (const auto& sample : samples_[split]) {
      ASSERT_GT(sample.png.size(), 26u);
      EXPECT_EQ(sample.png.substr(1, 3), "PNG");
      EXPECT_EQ(sample.png[19], 40) << "width";
      EXPECT_EQ(sample.png[23], 40) << "height";
      EXPECT_EQ(sample.png[24], 8) << "bits";
      EXPECT_EQ(sample.png[25], 0) << "grey";
    }
}

TEST_F(TypefacesTest, ACompleteOutputIsReusedAndADamagedOrDifferentOneMadeAgain) {
  const TempFolder folder;
  auto options = small(folder.path());
  options.limit = 20;
  make_typefaces(options, silent_log());
  const auto first = read_folder(folder.path());
  const auto cached = make_typefaces(options, silent_log());
  EXPECT_TRUE(cached.cached);
  EXPECT_GT(cached.split(Split::kTest).classes, 0);

  std::ofstream(folder.path() / "test-00000.tar", std::ios::app) << "x";
  EXPECT_FALSE(make_typefaces(options, silent_log()).cached);
  EXPECT_TRUE(read_folder(folder.path()) == first);

  fs::remove(folder.path() / "train-00000.tar");
  EXPECT_FALSE(make_typefaces(options, silent_log()).cached);

  options.seed = 2;
  EXPECT_FALSE(make_typefaces(options, silent_log()).cached);
  EXPECT_FALSE(read_folder(folder.path()) == first);
}

TEST_F(TypefacesTest, AFullDiskLeavesNothingThatLooksComplete) {
  const TempFolder folder;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit limited = before;
  limited.rlim_cur = 100'000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // write() then fails, as it does on a full disk
  setrlimit(RLIMIT_FSIZE, &limited);
  try {
    make_typefaces(small(folder.path()), silent_log());
    ADD_FAILURE() << "expected an IoError";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr(folder.path().string()));
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_F(TypefacesTest, ShardsOfAnotherOriginAreNotReplaced) {
  const TempFolder folder;
  std::ofstream(folder.path() / "train-00000.tar") << "mine";
  EXPECT_THROW(make_typefaces(small(folder.path()), silent_log()), DataError);
  EXPECT_EQ(read_file(folder.path() / "train-00000.tar"), "mine");
}

TEST_F(TypefacesTest, AnOutputThatCannotBeAFolderIsNamed) {
  const TempFolder folder;
  std::ofstream(folder.path() / "file") << "in the way";
  try {
    make_typefaces(small(folder.path() / "file" / "output"), silent_log());
    FAIL() << "expected an IoError";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("file"));
  }
}

TEST(TypefacesWithoutFonts, SaysWhatToInstall) {
  const TempFolder empty, output;
  TypefacesOptions options;
  options.output = output.path() / "data";
  options.font_roots = {empty.path(), empty.path() / "absent"};
  try {
    make_typefaces(options, silent_log());
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("apt-get install"));
    EXPECT_THAT(error.what(), HasSubstr("fonts-noto-core"));
    EXPECT_THAT(error.what(), HasSubstr(empty.path().string()));
  }
  EXPECT_FALSE(fs::exists(options.output));
}

TEST_F(TypefacesTest, FontsOfOneSplitAloneAreNotEnough) {
  const TempFolder fonts, output;
  for (const auto& entry : fs::directory_iterator(fonts_->path()))
    if (entry.path().filename().string().starts_with("DejaVu"))
      fs::copy_file(entry, fonts.path() / entry.path().filename());
  auto options = small(output.path());
  options.font_roots = {fonts.path()};
  try {
    make_typefaces(options, silent_log());
    FAIL() << "expected a DataError";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("validation"));
    EXPECT_THAT(error.what(), HasSubstr("apt-get install"));
  }
  EXPECT_TRUE(fs::is_empty(output.path()));
}

TEST(TypefacesOptionsTest, OutOfRangeIsAConfigError) {
  TypefacesOptions options;
  EXPECT_THROW(make_typefaces(options, silent_log()), ConfigError) << "no output";
  options.output = "unused";
  options.image_size = 8;
  EXPECT_THROW(make_typefaces(options, silent_log()), ConfigError);
  options.image_size = 40;
  options.max_typefaces = options.min_typefaces - 1;
  EXPECT_THROW(make_typefaces(options, silent_log()), ConfigError);
}

}  // namespace
}  // namespace lodestone
