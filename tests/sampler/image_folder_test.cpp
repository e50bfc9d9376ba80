#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/files.h"
#include "sampler/sources/idx.h"
#include "sampler/sources/image_source.h"
#include "support/images.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::AllOf;
using testing::drawn_image;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using testing::write_bytes;
using testing::write_png;

class ImageFolder : public ::testing::Test {
 protected:
  std::shared_ptr<const ImageDataset> open(std::vector<std::string> filter = {}) {
    ImageSourceConfig config;
    config.path = (folder_.path() / "root").string();
    config.class_filter = std::move(filter);
    return open_images(config, {});
  }
  void put(const std::string& name, int64_t label, int64_t sample) {
    write_png(folder_.path() / "root" / name, drawn_image(label, sample));
  }
  std::vector<std::string> left_out(std::vector<std::string> filter,
                                    const BadRecordConfig& bad_records = {}) {
    ImageSourceConfig config;
    config.path = (folder_.path() / "root").string();
    config.class_filter = std::move(filter);
    return open_images(config, {}, bad_records)->left_out().sentences();
  }
  std::string error(std::vector<std::string> filter = {}) {
    try {
      open(std::move(filter));
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  }
  TempFolder folder_;
};

TEST_F(ImageFolder, BadLinesOfEquivalencesAreLeftOutUnderSkip) {
  for (const char* name : {"A/1.png", "B/1.png", "C/1.png"}) put(name, 0, 0);
  write_bytes(folder_.path() / "root/equivalences.tsv",
              "A\tone\nno tab\nNope\tone\nA\ttwo\nB\tone\n\tx\nC\t\n");
  EXPECT_THAT(error(), HasSubstr("equivalences.tsv:2"));
  EXPECT_THAT(left_out({}, {OnBadRecord::kSkip, 0.8}),
              ElementsAre(AllOf(HasSubstr("5 lines of equivalences.tsv"), HasSubstr("tsv:2"))));
  EXPECT_THAT(testing::message_of<DataError>([&] {
                left_out({}, {OnBadRecord::kSkip, 0.3});
              }),
              AllOf(HasSubstr("max_bad_fraction"), HasSubstr("tsv:2"), Not(HasSubstr("tsv:7"))));
}

TEST_F(ImageFolder, EntriesOfTheFilterThatFitNoClassAreReported) {
  for (const char* name : {"Greek/a/1.png", "Greek/b/1.png", "Latin/a/1.png"}) put(name, 0, 0);
  EXPECT_TRUE(left_out({"Greek/*", "!*/b"}).empty());
  EXPECT_THAT(left_out({"Greek/*", "Thai/*", "!*/x"}),
              ElementsAre(AllOf(HasSubstr("2 entries of class_filter"), HasSubstr("'Thai/*'"))));
  EXPECT_TRUE(left_out({"Greek/*", "!Greek/*", "Latin/*", "!*/b"}).empty())
      << "what a later one leaves out has fitted all the same";
}

TEST_F(ImageFolder, AFilterOfAMixtureIsOneForAll) {
  put("Greek/1.png", 0, 0);
  write_png(folder_.path() / "other/Latin/1.png", drawn_image(1, 1));
  ImageSourceConfig config;
  config.mixture = {(folder_.path() / "root").string(), (folder_.path() / "other").string()};
  config.class_filter = {"Greek", "Latin"};
  EXPECT_TRUE(open_images(config, {})->left_out().empty());
  config.class_filter = {"Greek", "Latin", "Thai"};
  EXPECT_THAT(open_images(config, {})->left_out().sentences(), ElementsAre(HasSubstr("1 entry")));
}

TEST_F(ImageFolder, SortsClassesAndFilesAndReadsThem) {
  put("beta/2.png", 1, 2);
  put("beta/1.PNG", 1, 1);
  put("alpha/x.png", 0, 0);
  put("alpha/deep/y.png", 2, 0);
  put(".hidden/z.png", 9, 9);
  write_bytes(folder_.path() / "root/beta/notes.txt", "no image");
  const auto set = open();
  ASSERT_EQ(set->size(), 4);
  ASSERT_EQ(set->classes(), 3);
  EXPECT_EQ(set->class_name(0), "alpha");
  EXPECT_EQ(set->class_name(1), "alpha/deep");
  EXPECT_EQ(set->key(2), "beta/1.PNG");
  EXPECT_EQ(set->label(2), 2);
  EXPECT_EQ(set->get(3).pixels, drawn_image(1, 2).pixels);
  EXPECT_EQ(set->id(0), sample_id("alpha/x.png"));
}

TEST_F(ImageFolder, FollowsLinkedClassFolders) {
  put("alpha/x.png", 0, 0);
  write_bytes(folder_.path() / "elsewhere/y.png",
              lodestone::testing::png_text(lodestone::testing::drawn_image(1, 0)));
  std::filesystem::create_directory_symlink(folder_.path() / "elsewhere", folder_.path() / "root/linked");
  const auto set = open();
  ASSERT_EQ(set->classes(), 2);
  EXPECT_EQ(set->class_name(1), "linked");
  EXPECT_EQ(set->get(1).pixels, lodestone::testing::drawn_image(1, 0).pixels);
}

TEST_F(ImageFolder, LinksBackToAFolderAboveAreFollowedOnce) {
  put("alpha/x.png", 0, 0);
  put("beta/y.png", 1, 0);
  const auto root = folder_.path() / "root";
  std::filesystem::create_directory_symlink(root, root / "alpha/up");
  std::filesystem::create_directory_symlink("..", root / "beta/up");
  std::filesystem::create_directory_symlink(root / "beta", root / "again");  // no way back: another class
  const auto set = open();
  EXPECT_EQ(set->size(), 3);
  EXPECT_EQ(set->class_name(0), "again");
  EXPECT_THAT(set->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("3 links"), HasSubstr("folder above"))));
}

TEST_F(ImageFolder, WhatIsTooDeepIsReported) {
  put("1/2/3/4/5/6/7/8/x.png", 0, 0);
  put("1/2/3/4/5/6/7/8/9/y.png", 0, 1);
  const auto set = open();
  EXPECT_EQ(set->size(), 1);
  EXPECT_THAT(set->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("1 folder "), HasSubstr("8 deep"), HasSubstr("8/9"))));
}

TEST_F(ImageFolder, EveryFileThatIsPassedOverIsCountedByItsEnding) {
  put("a/1.png", 0, 0);
  put("a/2.JFIF", 0, 1);
  put("a/3.jpe", 0, 2);
  for (const char* name : {"a/4.bmp", "a/5.BMP", "a/6.gif", "a/7.tif", "a/Thumbs.db", "a/LICENSE",
                           "notes.txt", "a/.DS_Store", "a/x.tar.gz"})
    write_bytes(folder_.path() / "root" / name, "something");
  write_bytes(folder_.path() / "root/equivalences.tsv", "");
  std::filesystem::create_symlink("nowhere.png", folder_.path() / "root/a/8.png");
  const auto set = open();
  EXPECT_EQ(set->size(), 3);
  EXPECT_THAT(
      set->left_out().sentences(),
      UnorderedElementsAre(AllOf(HasSubstr("2 files"), HasSubstr("*.bmp"), HasSubstr("convert")),
                           AllOf(HasSubstr("1 file "), HasSubstr("*.gif"), HasSubstr("a/6.gif")),
                           AllOf(HasSubstr("1 file "), HasSubstr("*.tif")),
                           AllOf(HasSubstr("1 file "), HasSubstr("*.db")), HasSubstr("without an ending"),
                           AllOf(HasSubstr("*.txt"), HasSubstr("notes.txt")), HasSubstr("*.gz"),
                           HasSubstr("hidden"), AllOf(HasSubstr("1 link to nothing"), HasSubstr("a/8.png"))));
  for (int64_t n = 0; n < 200; ++n)
    write_bytes(folder_.path() / "root/a" / ("x.e" + std::to_string(n)), "something");
  EXPECT_LT(open()->left_out().sentences().size(), 40U);
  EXPECT_EQ(open()->left_out().count(), 210);
}

TEST_F(ImageFolder, OneImageOfAnotherFormatIsNamedToo) {
  ImageSourceConfig config;
  for (const char* name : {"a.bmp", "b.HEIC", "c.tiff", "d.gif", "e.avif"}) {
    config.path = (folder_.path() / name).string();
    write_bytes(config.path, "something");
    try {
      open_images(config, {});
      FAIL() << name;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(),
                  AllOf(HasSubstr(name), HasSubstr("format that is not read"), HasSubstr("convert")));
    }
  }
}

TEST_F(ImageFolder, FifosDevicesAndSocketsAreNeverOpened) {
  put("a/1.png", 0, 0);
  const auto root = folder_.path() / "root";
  ASSERT_EQ(::mkfifo((root / "a/2.png").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((root / "equivalences.tsv").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", root / "a/3.png");
  const auto set = open();
  EXPECT_EQ(set->size(), 1);
  EXPECT_THAT(set->left_out().sentences(), ElementsAre(AllOf(HasSubstr("3 entries"), HasSubstr("FIFO"))));
  // Nor where a list or a shard's name leads to one.
  write_bytes(root / "list.csv", "path,label\na/2.png,c\na/3.png,c\n");
  ImageSourceConfig config;
  config.path = (root / "list.csv").string();
  const auto list = open_images(config, {});
  for (int64_t i = 0; i < 2; ++i) EXPECT_THROW(list->get(i), DataError);
  ASSERT_EQ(::mkfifo((root / "x.tar").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((root / "y.csv").c_str(), 0600), 0);
  for (const char* name : {"x.tar", "y.csv", "a/2.png"}) {
    config.path = (root / name).string();
    EXPECT_THROW(open_images(config, {}), DataError) << name;
  }
}

TEST_F(ImageFolder, LooseImagesAreThoseInTheFolderItself) {
  put("b.png", 0, 0);
  put("a.jpg", 0, 1);
  put("class/c.png", 0, 2);
  const auto root = folder_.path() / "root";
  ASSERT_EQ(::mkfifo((root / "d.png").c_str(), 0600), 0);
  const auto set = open_loose_images(root, {});
  ASSERT_EQ(set->size(), 2);
  EXPECT_EQ(set->key(0), "a.jpg");
  EXPECT_THAT(set->left_out().sentences(),
              UnorderedElementsAre(HasSubstr("1 folder "), HasSubstr("1 entry of the kind device")));
  EXPECT_EQ(open_loose_images(root / "..", {}), nullptr);
}

TEST_F(ImageFolder, LookAlikesShareAGroup) {
  for (const char* name : {"A", "B", "Alpha"}) put(std::string(name) + "/1.png", 0, 0);
  write_bytes(folder_.path() / "root/equivalences.tsv", "# look the same\nA\tA-like\nAlpha\tA-like\r\n");
  const auto set = open();
  EXPECT_EQ(set->group(0), set->group(1));    // A, Alpha
  EXPECT_NE(set->group(0), set->group(2));    // B
  EXPECT_EQ(open({"B", "A"})->classes(), 2);  // a group of which one class is filtered away
  write_bytes(folder_.path() / "root/equivalences.tsv", "A\tA-like\nC\tA-like\n");
  EXPECT_THAT(error(), HasSubstr("equivalences.tsv:2"));
}

TEST_F(ImageFolder, FilterKeepsAndLeavesOut) {
  for (const char* name : {"Greek/a", "Greek/b", "Latin/a"}) put(std::string(name) + "/1.png", 0, 0);
  EXPECT_EQ(open({"Greek/*"})->classes(), 2);
  EXPECT_EQ(open({"!Greek/*"})->classes(), 1);
  EXPECT_EQ(open({"Greek/*", "!*/b"})->class_name(0), "Greek/a");
  EXPECT_THAT(error({"Thai/*"}), HasSubstr("class_filter"));
}

TEST_F(ImageFolder, SaysWhatIsWrong) {
  EXPECT_THAT(error(), HasSubstr("missing"));
  std::filesystem::create_directories(folder_.path() / "root/empty");
  EXPECT_THAT(error(), HasSubstr("no images"));
  put("loose.png", 0, 0);
  EXPECT_THAT(error(), HasSubstr("loose.png"));
}

TEST_F(ImageFolder, ADamagedImageIsNamedWhenRead) {
  write_bytes(folder_.path() / "root/c/bad.png", "not a picture");
  const auto set = open();
  try {
    set->get(0);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("c/bad.png"));
  }
  std::filesystem::remove(folder_.path() / "root/c/bad.png");
  EXPECT_THROW(set->get(0), DataError);
}

std::string big_endian(std::vector<uint32_t> words) {
  std::string bytes;
  for (uint32_t word : words)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(word >> shift);
  return bytes;
}

TEST(Idx, ReadsImagesWithTheirLabels) {
  const TempFolder folder;
  const auto images = folder.path() / "train-images-idx3-ubyte";
  const auto labels = folder.path() / "train-labels-idx1-ubyte";
  write_bytes(images, big_endian({0x803, 2, 1, 3}) + "abcdef");
  write_bytes(labels, big_endian({0x801, 2}) + std::string("\x07\x02", 2));
  ImageSourceConfig config;
  config.path = images.string();
  const auto set = open_images(config, {});
  ASSERT_EQ(set->size(), 2);
  EXPECT_EQ(set->class_name(set->label(0)), "7");
  EXPECT_EQ(set->get(1).pixels, (std::vector<uint8_t>{'d', 'e', 'f'}));

  write_bytes(images, big_endian({0x803, 2, 1, 3}) + "abcde");
  EXPECT_THROW(open_images(config, {}), DataError);
  write_bytes(images, big_endian({0x803, 0xFFFFFFFF, 0xFFFF, 0xFFFF}) + "abcde");
  EXPECT_THROW(open_images(config, {}), DataError);
  write_bytes(images, "\x1f\x8b compressed");
  EXPECT_THROW(open_images(config, {}), DataError);
}

std::string bytes_of(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

TEST(Idx, ReadsCompressedFilesAndNoticesDamage) {
  const TempFolder folder;
  const auto images = folder.path() / "train-images-idx3-ubyte.gz";
  // The two files of the test above as gzip makes them.
  const std::string packed =
      bytes_of({0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    2,    3,    0x63, 0x60, 0xe0,
                0x60, 0x66, 0x60, 0x60, 0x60, 0x02, 0x62, 0x46, 0x20, 0x66, 0x4e, 0x4c, 0x4a,
                0x4e, 0x49, 0x4d, 3,    0,    0x7b, 0x0d, 0x08, 0x34, 0x16, 0,    0,    0});
  write_bytes(images, packed);
  write_bytes(folder.path() / "train-labels-idx1-ubyte.gz",
              bytes_of({0x1f, 0x8b, 8,    0,    0,    0,    0, 0,    2,    3,    0x63, 0x60, 0xe0, 0x60, 0x64,
                        0x60, 0x60, 0x60, 0x62, 0x67, 0x02, 0, 0xf2, 0x5b, 0xd3, 0x34, 0x0a, 0,    0,    0}));
  ImageSourceConfig config;
  config.path = images.string();
  const auto set = open_images(config, {});
  EXPECT_EQ(set->class_name(set->label(1)), "2");
  EXPECT_EQ(set->get(1).pixels, (std::vector<uint8_t>{'d', 'e', 'f'}));
  for (size_t length = 0; length < packed.size() - 4; length += 3) {
    write_bytes(images, packed.substr(0, length));
    EXPECT_THROW(open_images(config, {}), DataError) << length;
  }
  write_bytes(images, "not compressed");
  EXPECT_THROW(open_images(config, {}), DataError);
}

}  // namespace
}  // namespace lodestone
