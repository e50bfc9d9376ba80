#include "common/paths.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/files.h"
#include "common/yaml.h"

namespace lodestone {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(const std::string& value) {
  try {
    user_path(value, "--output");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

/// A variable of the environment with another value while it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* before = std::getenv(name);
    if (before != nullptr) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const {
    value != nullptr ? ::setenv(name_, value, /*overwrite=*/1) : ::unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST(Paths, DistinguishFilesFoldersAndWhatExists) {
  const TempFolder folder;
  const fs::path file = folder.path() / "file", link = folder.path() / "link", pipe = folder.path() / "pipe";
  write_file_atomic(file, "four");
  fs::create_symlink(file, link);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const fs::path& one : {file, link})
    EXPECT_TRUE(is_file(one) && path_exists(one) && !is_folder(one)) << one;
  EXPECT_EQ(size_of_file(file), 4U);
  EXPECT_TRUE(is_folder(folder.path()) && path_exists(folder.path()) && !is_file(folder.path()));
  EXPECT_EQ(size_of_file(folder.path()), std::nullopt);
  EXPECT_TRUE(path_exists(pipe) && !is_file(pipe) && !is_folder(pipe));
}

TEST(Paths, ThoseThatCannotBeLookedUpAreANo) {
  const TempFolder folder;
  const fs::path loop = folder.path() / "loop", file = folder.path() / "file";
  fs::create_symlink(loop, loop);
  write_file_atomic(file, "");
  const std::string with_nul = file.string() + std::string("\0x", 2);
  for (const fs::path& one :
       {fs::path(), fs::path(std::string(300, 'a')), fs::path(std::string(10000, 'b')), loop, file / "below",
        fs::path(with_nul), fs::path("bana deki\nfolo"), fs::path("\xff\xfe")}) {
    EXPECT_FALSE(is_file(one) || is_folder(one) || path_exists(one)) << one;
    EXPECT_EQ(size_of_file(one), std::nullopt) << one;
  }
}

TEST(Paths, AbsoluteOnesNeedNoWorkingFolder) {
  EXPECT_EQ(absolute_path("/a/./b/../c"), "/a/c");
  EXPECT_EQ(absolute_path("x"), fs::current_path() / "x");
  const fs::path before = fs::current_path();
  {
    const TempFolder folder;
    fs::current_path(folder.path());
  }
  EXPECT_EQ(absolute_path("x"), "x");
  fs::current_path(before);
}

TEST(Paths, OfTheHomeFolderAreExpanded) {
  const Variable home("HOME", "/homes/ada");
  EXPECT_EQ(user_path("~", "run_dir"), "/homes/ada");
  EXPECT_EQ(user_path("~/runs/x", "run_dir"), "/homes/ada/runs/x");
  for (const char* as_is : {"", "runs/~/x", "x~", "./~", "take #2", "a:b", "a:/b", "train-{000..009}.tar",
                            "C3PO:/", "://x", "1s3://x", "a b://c", "data/s3://x"})
    EXPECT_EQ(user_path(as_is, "run_dir"), as_is);
  EXPECT_THAT(refusal("~bob/runs"),
              AllOf(HasSubstr("--output"), HasSubstr("'~bob/runs'"), HasSubstr("./~bob/runs")));
  const Variable none("HOME", nullptr);
  EXPECT_THAT(refusal("~/runs"), HasSubstr("HOME is not set"));
}

TEST(Paths, OfStoresAndTheWebAreRefusedWithWhatToDo) {
  for (const char* address : {"s3://bucket/train.tar", "gs://b", "az://b/c", "https://example.org/x.csv",
                              "hdfs://n:1/x", "file:///data/x", "S3A://b", "git+ssh://x"})
    EXPECT_THAT(refusal(address),
                AllOf(HasSubstr("--output"), HasSubstr(address), HasSubstr("copy"), HasSubstr("mount")));
  EXPECT_THAT(refusal(std::string("a\0b", 3)), HasSubstr("NUL"));
}

struct PathSettings {
  std::string folder;
  std::vector<std::string> several;
  std::string title;
  void visit(Fields& f) {
    f.field({.name = "folder", .doc = "where", .unit = kPathUnit}, &folder);
    f.field({.name = "several", .doc = "from where", .unit = kPathUnit}, &several);
    f.field({.name = "title", .doc = "what it is called"}, &title);
  }
};

TEST(Paths, InConfigurationsAreRead) {
  const Variable home("HOME", "/homes/ada");
  PathSettings settings;
  const auto read = [&](const std::string& text) {
    read_fields(parse_yaml(text, "run.yaml"), [&](Fields& f) { settings.visit(f); });
  };
  read("folder: ~/a\nseveral: [b, ~/c]\ntitle: ~/d s3://e\n");
  EXPECT_EQ(settings.folder, "/homes/ada/a");
  EXPECT_EQ(settings.several, (std::vector<std::string>{"b", "/homes/ada/c"}));
  EXPECT_EQ(settings.title, "~/d s3://e");
  // Alone it is nothing to YAML and the home folder to a shell.
  for (const char* set : {"folder=~", "several=[b, ~]"}) {
    const auto root = parse_yaml("", "run.yaml");
    apply_set(root, set);
    EXPECT_THROW(read_fields(root, [&](Fields& f) { settings.visit(f); }), ConfigError) << set;
  }
  for (const char* none : {"folder: ~", "folder: null", "folder: ''", "folder:"}) {
    settings.folder = "before";
    read(none);
    EXPECT_EQ(settings.folder, "") << none;
  }
  try {
    read("several: [b, \"s3://c\"]\n");
    FAIL() << "s3:// was read";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("run.yaml:1: several"), HasSubstr("s3://c")));
  }
}

}  // namespace
}  // namespace lodestone
