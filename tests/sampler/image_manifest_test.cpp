#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "sampler/image_source.h"
#include "sampler/table_file.h"
#include "support/images.h"

namespace lodestone {
namespace {

using testing::drawn_image;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::write_bytes;

std::vector<std::vector<std::string>> rows_of(const std::string& text, char separator) {
  TableReader reader(text, separator, "t");
  std::vector<std::vector<std::string>> rows;
  for (std::vector<std::string> fields; reader.next(fields);) rows.push_back(fields);
  return rows;
}

TEST(TableReader, QuotesCommasAndLineEnds) {
  EXPECT_THAT(rows_of("\xEF\xBB\xBF"
                      "a,b\r\n\r\n\"x, \"\"y\"\"\nz\",\n,q\"r",
                      ','),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("x, \"y\"\nz", ""), ElementsAre("", "q\"r")));
  EXPECT_THAT(rows_of("\"a\tb,\"\n\tc\r\n", '\t'),
              ElementsAre(ElementsAre("\"a", "b,\""), ElementsAre("", "c")));
  EXPECT_THAT(rows_of("", ','), ElementsAre());
  EXPECT_THAT(rows_of("\"only\"\r\n", ','), ElementsAre(ElementsAre("only")));
  EXPECT_THROW(rows_of("a\n\"open", ','), DataError);
  EXPECT_THROW(rows_of("\"a\"b,c", ','), DataError);
}

class ImageManifestTest : public ::testing::Test {
 protected:
  ImageManifestTest() {
    for (int i = 0; i < 4; ++i)
      testing::write_png(folder_.path() / "deep" / (std::to_string(i) + ".png"), drawn_image(i, 0));
  }
  std::shared_ptr<const ImageDataset> open(const std::string& text, const std::string& name = "list.csv") {
    write_bytes(folder_.path() / name, text);
    config_.path = (folder_.path() / name).string();
    return open_images(config_, {});
  }
  std::string error(const std::string& text, const std::string& name = "list.csv") {
    try {
      open(text, name);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
  TempFolder folder_;
  ImageSourceConfig config_;
};

TEST_F(ImageManifestTest, ColumnsInAnyOrderWithPartsInRetrieval) {
  const std::string text =
      "label,extra,path,is_gallery,is_query\n"
      "b,x,deep/0.png,1,0\n"
      "a,x,deep/./1.png,0,1\n"
      "\"b\",x,deep/2.png,true,true\n";
  const auto set = open(text);
  ASSERT_EQ(set->size(), 3);
  EXPECT_EQ(set->class_name(set->label(0)), "b");
  EXPECT_EQ(set->key(1), "deep/1.png");
  EXPECT_EQ(set->get(2).pixels, drawn_image(2, 0).pixels);
  EXPECT_FALSE(set->is_query(0));
  EXPECT_TRUE(set->is_gallery(0));
  EXPECT_TRUE(set->is_query(1));
  EXPECT_FALSE(set->is_gallery(1));
  EXPECT_TRUE(set->is_query(2) && set->is_gallery(2));
}

TEST_F(ImageManifestTest, ASplitIsChosen) {
  const std::string text = "path\tlabel\tsplit\ndeep/0.png\ta\ttrain\ndeep/1.png\tb\ttest\n";
  EXPECT_EQ(open(text, "l.tsv")->size(), 2);
  config_.split = "test";
  EXPECT_EQ(open(text, "l.tsv")->key(0), "deep/1.png");
  config_.split = "other";
  EXPECT_THAT(error(text, "l.tsv"), HasSubstr("split 'other'"));
  EXPECT_THAT(error("path\tlabel\n", "l.tsv"), HasSubstr("a column split"));
  config_.path = folder_.path().string();
  EXPECT_THROW(open_images(config_, {}), ConfigError);
}

TEST_F(ImageManifestTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(error(""), HasSubstr("path and label"));
  EXPECT_THAT(error("path,label,path\n"), HasSubstr("'path' twice"));
  EXPECT_THAT(error("path,label\na.png,x\nb.png\n"), HasSubstr("list.csv:3"));
  EXPECT_THAT(error("path,label\n\n../a.png,x\n"), HasSubstr("list.csv:3"));
  EXPECT_THAT(error("path,label\n/etc/a.png,x\n"), HasSubstr("'/etc/a.png'"));
  EXPECT_THAT(error("path,label\na.png,\n"), HasSubstr("an empty one"));
  EXPECT_THAT(error("path,label,is_query\na.png,x,maybe\n"), HasSubstr("'maybe'"));
  EXPECT_THAT(error("path,label\n"), HasSubstr("got none"));
  config_.class_filter = {"a"};
  EXPECT_EQ(open("path,label\ndeep/0.png,a\ndeep/1.png,b\n")->size(), 1);
}

TEST_F(ImageManifestTest, AMissingPictureIsADataErrorWhenItIsRead) {
  const auto set = open("path,label\nnone.png,a\n");
  EXPECT_THROW(set->get(0), DataError);
}

}  // namespace
}  // namespace lodestone
