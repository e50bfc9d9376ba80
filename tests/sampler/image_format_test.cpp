// The table of image formats: which path is opened by which row.
#include "sampler/sources/image_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "support/table_rows.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::message_of;

TEST(ImageFormatTable, RowsAreConsistent) {
  testing::expect_named(image_format_table());
  int folders = 0;
  for (const ImageFormat& row : image_format_table()) {
    EXPECT_NE(row.open, nullptr) << row.name;
    folders += row.named == nullptr;
  }
  EXPECT_EQ(folders, 1);
}

TEST(ImageFormatTable, TheNameOfAFileSelectsOneRow) {
  const std::pair<const char*, const char*> kNames[] = {
      {"a/list.csv", "list"}, {"images-idx3.tsv", "list"},           {"t-{000..009}.tar", "shards"},
      {"t.tar.gz", "shards"}, {"tar/a-images-idx3-ubyte.gz", "idx"}, {"images-idx3/none", "folder"},
      {"letters", "folder"}};
  for (const auto& [path, format] : kNames) {
    EXPECT_STREQ(image_format(path).name, format) << path;
    int fitting = 0;
    for (const ImageFormat& row : image_format_table()) fitting += row.named != nullptr && row.named(path);
    EXPECT_LE(fitting, 1) << path;
  }
}

TEST(ImageFormatTable, AFolderIsOneWhateverItsName) {
  const TempFolder folder;
  const auto path = folder.path() / "letters.tar";
  std::filesystem::create_directory(path);
  EXPECT_STREQ(image_format(path.string()).name, "folder");
}

TEST(ImageFormatTable, SettingsOfOtherFormatsAreRefused) {
  const auto error = [](const ImageSourceConfig& config) {
    return message_of<ConfigError>([&] { open_images(config, {}); });
  };
  ImageSourceConfig config;
  config.path = "letters";
  config.split = "train";
  EXPECT_THAT(error(config), AllOf(HasSubstr("list of images (*.csv, *.tsv)"), HasSubstr("'letters'")));
  config = {};
  config.path = "a-images-idx3-ubyte";
  config.class_filter = {"7"};
  EXPECT_THAT(error(config), HasSubstr("class_filter does not apply to an IDX image file"));
}

}  // namespace
}  // namespace lodestone
