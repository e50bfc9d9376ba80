#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/image_source.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::AllOf;
using testing::drawn_image;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::png_text;
using testing::Tar;
using ::testing::UnorderedElementsAre;
using testing::write_bytes;

class TarShardsTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) { write_bytes(folder_.path() / name, bytes); }
  std::shared_ptr<const ImageDataset> open(const std::string& pattern) {
    config_.path = (folder_.path() / pattern).string();
    return open_tar_shards(config_, {}, bad_records_);
  }
  std::string error(const std::string& pattern) {
    try {
      open(pattern);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
  TempFolder folder_;
  ImageSourceConfig config_;
  BadRecordConfig bad_records_;
};

TEST_F(TarShardsTest, ReadsAnySampleByItsOffset) {
  for (int s = 0; s < 3; ++s) {
    Tar tar;
    for (int k = 0; k < 5; ++k)
      tar.add_sample("sub/" + std::to_string(k), drawn_image(k, s), std::string(k % 2 ? "odd\n" : " even"));
    write("train-00" + std::to_string(s) + ".tar", tar.finished());
  }
  const auto set = open("train-{000..002}.tar");
  ASSERT_EQ(set->size(), 15);
  EXPECT_EQ(set->classes(), 2);
  EXPECT_EQ(set->class_name(set->label(6)), "odd");
  EXPECT_EQ(set->key(14), "train-002.tar!sub/4.png");
  for (int64_t i : {14, 0, 7, 7, 3}) EXPECT_EQ(set->get(i).pixels, drawn_image(i % 5, i / 5).pixels) << i;
  EXPECT_EQ(open("train-*.tar")->id(9), set->id(9));
}

TEST_F(TarShardsTest, IdsDoNotDependOnWhereTheShardsLie) {
  const std::string bytes = Tar().add_sample("k", drawn_image(0, 0), "c").finished();
  write("a/x.tar", bytes);
  write("b/x.tar", bytes);
  EXPECT_EQ(open("a/x.tar")->id(0), open("b/x.tar")->id(0));
  const auto both = open("{a,b}/x.tar");
  EXPECT_EQ(both->key(1), "b/x.tar!k.png");
  EXPECT_NE(both->id(0), both->id(1));
}

TEST_F(TarShardsTest, JsonGivesClassAndGroup) {
  write("x.tar", Tar()
                     .add("1.json", R"({"class": "A", "group": "A-like"})")
                     .add("1.png", png_text(drawn_image(0, 0)))
                     .add("2.png", png_text(drawn_image(1, 0)))
                     .add("2.json", R"({"class": "Alpha", "group": "A-like", "more": [1]})")
                     .add("3.png", png_text(drawn_image(2, 0)))
                     .add("3.json", R"({"class": 7})")
                     .add("3.txt", "ignored")
                     .finished());
  const auto set = open("x.tar");
  ASSERT_EQ(set->classes(), 3);  // "7", "A", "Alpha"
  EXPECT_EQ(set->class_name(0), "7");
  EXPECT_EQ(set->group(1), set->group(2));
  EXPECT_NE(set->group(0), set->group(1));
  for (const char* json :
       {"{", "[1]", R"({"class": null})", R"({"class": ""})", R"({"class": "A", "group": 3})"}) {
    write("bad.tar", Tar().add("1.json", json).add("1.png", png_text(drawn_image(0, 0))).finished());
    EXPECT_THAT(error("bad.tar"), HasSubstr("bad.tar!1.json (offset 512)")) << json;
  }
}

TEST_F(TarShardsTest, UnsafeMembersArePassedOverAndCounted) {
  const std::string png = png_text(drawn_image(0, 0));
  write("x.tar", Tar()
                     .add("dir/", "", '5')
                     .add("../evil.png", png)
                     .add("a/../../evil.png", png)
                     .add("/etc/evil.png", png)
                     .add("soft.png", "", '2', "/etc/passwd")
                     .add("hard.png", "", '1', "good.png")
                     .add("device.png", "", '3')
                     .add_sample("good", drawn_image(5, 5), "c")
                     .finished());
  const auto set = open("x.tar");
  EXPECT_EQ(set->size(), 1);
  EXPECT_EQ(set->get(0).pixels, drawn_image(5, 5).pixels);
  EXPECT_THAT(set->left_out().sentences(),
              UnorderedElementsAre(
                  AllOf(HasSubstr("2 links"), HasSubstr("x.tar!soft.png")),
                  AllOf(HasSubstr("3 members"), HasSubstr("absolute or holds ..")),
                  AllOf(HasSubstr("1 member "), HasSubstr("device"), HasSubstr("x.tar!device.png"))));
}

TEST_F(TarShardsTest, LongAndForeignNamesInPaxHeaders) {
  const std::string record = "27 path=\xCE\xB1/\xE6\x97\xA5\xE6\x9C\xAC.png\n";
  std::string padded = std::to_string(record.size()) + record.substr(2);
  write("x.tar", Tar()
                     .add("pax", padded, 'x')
                     .add("short.png", png_text(drawn_image(4, 4)))
                     .add("\xCE\xB1/\xE6\x97\xA5\xE6\x9C\xAC.cls", "c")
                     .finished());
  const auto set = open("x.tar");
  EXPECT_EQ(set->key(0), "x.tar!\xCE\xB1/\xE6\x97\xA5\xE6\x9C\xAC.png");
  EXPECT_EQ(set->get(0).pixels, drawn_image(4, 4).pixels);
}

TEST_F(TarShardsTest, CutShortAnywhereIsADataErrorNamingShardAndOffset) {
  const std::string whole =
      Tar().add_sample("1", drawn_image(0, 0), "c").add_sample("2", drawn_image(0, 1), "c").finished();
  for (size_t length = 0; length < whole.size() - 1024; length += 256) {
    write("cut.tar", whole.substr(0, length));
    const std::string message = error("cut.tar");
    ASSERT_THAT(message, HasSubstr("cut.tar")) << length;
    ASSERT_THAT(message, HasSubstr("offset")) << length;
  }
  write("cut.tar", whole.substr(0, whole.size() - 1024));
  EXPECT_THAT(error("cut.tar"), HasSubstr("end-of-archive"));
  write("cut.tar", whole.substr(0, whole.size() - 512));
  EXPECT_EQ(open("cut.tar")->size(), 2);
}

TEST_F(TarShardsTest, WhatIsNoTarIsRefused) {
  write("x.tar", "this is no tar at all");
  EXPECT_THAT(error("x.tar"), HasSubstr("x.tar"));
  write("x.tar", std::string(2048, 'z'));
  EXPECT_THAT(error("x.tar"), HasSubstr("offset 0"));
  write("x.tar", std::string("\x1f\x8b\x08", 3) + std::string(600, '\0'));
  EXPECT_THAT(error("x.tar"), HasSubstr("uncompressed"));
  EXPECT_THAT(error("none.tar"), HasSubstr("none.tar"));
  EXPECT_THAT(error("none-{0..3}.tar"), HasSubstr("none-0.tar"));
}

TEST_F(TarShardsTest, ADamagedHeaderInTheMiddle) {
  std::string whole =
      Tar().add_sample("1", drawn_image(0, 0), "c").add_sample("2", drawn_image(0, 1), "c").finished();
  const size_t second = whole.find("2.png");
  whole[second + 130] = 'x';
  write("x.tar", whole);
  EXPECT_THAT(error("x.tar"), HasSubstr("x.tar"));
}

TEST_F(TarShardsTest, IncompleteAndDoubleKeys) {
  write("x.tar", Tar()
                     .add("lonely.png", png_text(drawn_image(0, 0)))
                     .add("label.cls", "c")
                     .add_sample("good", drawn_image(1, 1), "c")
                     .finished());
  EXPECT_THAT(error("x.tar"), HasSubstr("lonely.png"));
  config_.skip_incomplete = true;
  EXPECT_EQ(open("x.tar")->size(), 1);
  EXPECT_THAT(open("x.tar")->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("2 keys"), HasSubstr("'lonely.png'"), HasSubstr("x.tar"))));
  write("x.tar",
        Tar().add_sample("k", drawn_image(0, 0), "c").add_sample("k", drawn_image(0, 0), "c").finished());
  EXPECT_THAT(error("x.tar"), AllOf(HasSubstr("got 'k.png' and another"), HasSubstr("x.tar!k.png (offset")));
}

TEST_F(TarShardsTest, MembersAreGroupedAsWebDatasetDoes) {
  const std::string png = png_text(drawn_image(2, 2));
  write("x.tar", Tar()
                     .add("._0.png", "junk")
                     .add("._0.cls", "junk")
                     .add("__MACOSX/0.png", "junk")
                     .add("a/.hidden.png", "junk")
                     .add("0.seg.png", "no image")
                     .add("0.PNG", png)
                     .add("0.CLS", "c")
                     .add("0.Json", R"({"class": "other"})")
                     .add("dir.v2/1.seg.png", "no image")
                     .add("dir.v2/1.JPEG", png)
                     .add("dir.v2/1.Txt", "d\n")
                     .add("2.jfif", png)
                     .add("2.json", R"({"class": "c"})")
                     .add("README", "text")
                     .add("2.bmp", "BM")
                     .finished());
  const auto set = open("x.tar");
  ASSERT_EQ(set->size(), 3);
  EXPECT_EQ(set->classes(), 2);
  EXPECT_EQ(set->class_name(set->label(1)), "d");
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(set->get(i).pixels, drawn_image(2, 2).pixels);
  EXPECT_THAT(
      set->left_out().sentences(),
      UnorderedElementsAre(AllOf(HasSubstr("4 members"), HasSubstr("macOS")),
                           AllOf(HasSubstr("2 members"), HasSubstr("*.seg.png"), HasSubstr("first dot")),
                           HasSubstr("1 member of shards without an ending"),
                           AllOf(HasSubstr("1 member "), HasSubstr("*.bmp"), HasSubstr("convert"))));
}

// Two samples of one class, however a shard was packed.
TEST_F(TarShardsTest, KeysAndClassesAreTheSameHoweverTheyAreWritten) {
  const std::string png = png_text(drawn_image(2, 2)), mark = "\xEF\xBB\xBF";
  const std::vector<std::pair<std::string, Tar>> shards = {
      {"by tar cf x.tar .", Tar()
                                .add("./", "", '5')
                                .add_sample("./0", drawn_image(2, 2), "c")
                                .add_sample("./1", drawn_image(2, 2), "c")},
      {"below a folder with a dot",
       Tar().add_sample("./v1.0/0", drawn_image(2, 2), "c").add_sample("v1.0/1", drawn_image(2, 2), "c")},
      {"pictures first, then classes",
       Tar().add("0.png", png).add("1.png", png).add("0.cls", "c").add("1.cls", "c")},
      {"blanks in names",
       Tar().add_sample("my pic", drawn_image(2, 2), "c").add_sample("my  pic", drawn_image(2, 2), "c")},
      {"marks and line ends",
       Tar().add("0.png", png).add("0.cls", mark + "c\r\n").add("1.png", png).add("1.txt", " c\n")},
      {"a mark before JSON", Tar()
                                 .add("0.png", png)
                                 .add("0.json", mark + R"({"class": "c"})")
                                 .add_sample("1", drawn_image(2, 2), "c")},
      {"keys that differ by case",
       Tar().add_sample("a", drawn_image(2, 2), "c").add_sample("A", drawn_image(2, 2), "c")}};
  for (const auto& [how, tar] : shards) {
    SCOPED_TRACE(how);
    write("x.tar", tar.finished());
    const auto set = open("x.tar");
    ASSERT_EQ(set->size(), 2);
    EXPECT_EQ(set->classes(), 1);
    EXPECT_EQ(set->class_name(0), "c");
    EXPECT_EQ(set->get(1).pixels, drawn_image(2, 2).pixels);
    EXPECT_NE(set->id(0), set->id(1));
  }
}

TEST_F(TarShardsTest, WhereNothingIsLeftTheReasonIsReported) {
  write("x.tar", Tar().add("/a.png", "x").add("/a.cls", "c").add("b.png", "", '1', "c.png").finished());
  EXPECT_THAT(error("x.tar"),
              AllOf(HasSubstr("absolute"), HasSubstr("1 link "), Not(HasSubstr("class_filter"))));
  write("x.tar", Tar().add("b.png", "", '1', "c.png").add("b.cls", "c").finished());
  EXPECT_THAT(error("x.tar"), AllOf(HasSubstr("'b.cls'"), HasSubstr("1 link ")));
  config_.class_filter = {"none"};
  write("x.tar", Tar().add_sample("k", drawn_image(0, 0), "c").finished());
  EXPECT_THAT(error("x.tar"), HasSubstr("class_filter"));
}

TEST_F(TarShardsTest, BadClassesAreSkippedWithinTheLimit) {
  Tar tar;
  for (int k = 0; k < 8; ++k) tar.add_sample(std::to_string(k), drawn_image(k, 0), "c");
  const std::string bytes =
      tar.add("8.png", "x").add("8.json", "{").add("9.png", "x").add("9.cls", " ").finished();
  write("x.tar", bytes);
  EXPECT_THAT(error("x.tar"), HasSubstr("x.tar!8.json (offset"));
  bad_records_ = {OnBadRecord::kSkip, 0.2};
  const auto set = open("x.tar");
  EXPECT_EQ(set->size(), 8);
  EXPECT_THAT(set->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("2 records of shards in error"), HasSubstr("8.json"))));
  bad_records_ = {OnBadRecord::kSkip, 0.1};
  EXPECT_THAT(error("x.tar"), AllOf(HasSubstr("at most 1 of 10"), HasSubstr("9.cls")));
}

TEST_F(TarShardsTest, AShardThatShrankInUse) {
  const std::string whole = Tar().add_sample("1", drawn_image(0, 0), "c").finished();
  write("x.tar", whole);
  const auto set = open("x.tar");
  std::filesystem::resize_file(folder_.path() / "x.tar", 560);
  EXPECT_THROW(set->get(0), DataError);
}

TEST_F(TarShardsTest, MoreShardsThanFilesThatAreKeptOpen) {
  for (int s = 0; s < 300; ++s)
    write(std::to_string(1000 + s) + ".tar", Tar().add_sample("k", drawn_image(s % 12, s), "c").finished());
  const auto set = open("*.tar");
  ASSERT_EQ(set->size(), 300);
  for (int64_t i : {0, 255, 256, 299}) EXPECT_EQ(set->get(i).pixels, drawn_image(i % 12, i).pixels);
}

TEST(PathPatterns, BracesAndRanges) {
  EXPECT_THAT(expand_braces("t-{08..11}.tar"), ElementsAre("t-08.tar", "t-09.tar", "t-10.tar", "t-11.tar"));
  EXPECT_THAT(expand_braces("{a,b}{0..1}"), ElementsAre("a0", "a1", "b0", "b1"));
  EXPECT_THAT(expand_braces("x{y}z"), ElementsAre("x{y}z"));
  EXPECT_THROW(expand_braces("x{0..3"), ConfigError);
  EXPECT_THROW(expand_braces("x{3..0}"), ConfigError);
  EXPECT_THROW(expand_braces("x{0..99999999999}"), ConfigError);
  EXPECT_THROW(expand_braces("{0..9999}{0..9999}"), ConfigError);
}

}  // namespace
}  // namespace lodestone
