#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "sampler/sources/image_source.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::AllOf;
using testing::drawn_image;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::write_bytes;

class ImageManifestTest : public ::testing::Test {
 protected:
  ImageManifestTest() {
    for (int i = 0; i < 4; ++i)
      testing::write_png(folder_.path() / "deep" / (std::to_string(i) + ".png"), drawn_image(i, 0));
  }
  std::shared_ptr<const ImageDataset> open(const std::string& text, const std::string& name = "list.csv") {
    write_bytes(folder_.path() / name, text);
    config_.path = (folder_.path() / name).string();
    return open_images(config_, {}, bad_records_);
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
  BadRecordConfig bad_records_;
};

TEST_F(ImageManifestTest, ColumnsInAnyOrderWithPartsInRetrieval) {
  config_.other_columns = OtherColumns::kIgnore;
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
  config_.split = "test";
  EXPECT_EQ(open(text, "l.tsv")->key(0), "deep/1.png");
  config_.split = "other";
  EXPECT_THAT(error(text, "l.tsv"), HasSubstr("split 'other'"));
  EXPECT_THAT(error("path\tlabel\n", "l.tsv"), HasSubstr("a column split"));
  config_.path = folder_.path().string();
  EXPECT_THROW(open_images(config_, {}), ConfigError);
}

TEST_F(ImageManifestTest, SkippedRowsAreCountedAndBounded) {
  bad_records_ = {OnBadRecord::kSkip, 0.5};
  const std::string text =
      "path,label,is_query\n"
      "deep/0.png,a,1\n"
      "deep/1.png\n"            // too few columns
      "../outside.png,a,1\n"    // leaves the folder
      "deep/1.png,,1\n"         // no class
      "deep/2.png,b,perhaps\n"  // no flag
      "\"deep/2.png,b,1\n"      // a stray quote
      "deep/3.png,b,0\n"
      "deep/2.png,b,1\ndeep/1.png,b,1\ndeep/0.png,b,1\ndeep/2.png,c,1\ndeep/3.png,c,1\n";
  const auto set = open(text);
  EXPECT_EQ(set->size(), 7);
  EXPECT_THAT(set->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("5 rows of a list"), HasSubstr("list.csv:3"))));
  bad_records_.max_bad_fraction = 0.3;
  EXPECT_THAT(error(text), AllOf(HasSubstr("at most 3 of 12"), HasSubstr("list.csv:5")));
  EXPECT_THAT(error("path,split\ndeep/0.png,x\n"), HasSubstr("path and label"));  // a header is no row
}

TEST_F(ImageManifestTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(error(""), HasSubstr("path and label"));
  EXPECT_THAT(error("path,label,path\n"), HasSubstr("the column path once, got path, path"));
  EXPECT_THAT(error("path,label\na.png,x\nb.png\n"), HasSubstr("list.csv:3"));
  EXPECT_THAT(error("path,label\n\n../a.png,x\n"), HasSubstr("list.csv:3"));
  EXPECT_THAT(error("path,label\n/etc/a.png,x\n"), HasSubstr("'/etc/a.png'"));
  EXPECT_THAT(error("path,label\na.png,\n"), HasSubstr("an empty one"));
  EXPECT_THAT(error("path,label,is_query\na.png,x,maybe\n"), HasSubstr("'maybe'"));
  EXPECT_THAT(error("path,label\n"), HasSubstr("got none"));
  EXPECT_THAT(error("path,label\n\"a.png,x\nb.png,y\n"),
              AllOf(HasSubstr("closing quote"), HasSubstr("list.csv:2")));
  EXPECT_THAT(error("path,label\n\"a\n.png\",x\n"),
              AllOf(HasSubstr("columns of one line"), HasSubstr("list.csv:2")));
  EXPECT_THAT(error("path,label\ns3://bucket/a.png,x\n"),
              AllOf(HasSubstr("'s3://bucket/a.png'"), HasSubstr("copy or mount")));
  EXPECT_THAT(error("path,label\n~/a.png,x\n"),
              AllOf(HasSubstr("'~/a.png'"), HasSubstr("home folder"), HasSubstr("list.csv:2")));
  EXPECT_THAT(error("path,label,group\na.png,x,g\n"), HasSubstr("a column group"));
  config_.class_filter = {"a"};
  EXPECT_EQ(open("path,label\ndeep/0.png,a\ndeep/1.png,b\n")->size(), 1);
  config_.class_filter = {"a", "c"};
  EXPECT_THAT(open("path,label\ndeep/0.png,a\ndeep/1.png,b\n")->left_out().sentences(),
              ::testing::ElementsAre(AllOf(HasSubstr("1 entry of class_filter"), HasSubstr("'c'"))));
}

TEST_F(ImageManifestTest, QuotedCellsAndFlagsAsTheyAreWritten) {
  const auto set = open(
      "path,label,is_query,is_gallery\r\n"
      "deep/0.png,\"b, c\",1.0,TRUE\r\n"
      "\"deep/1.png\",a,No,0.0\r\n"
      "deep/2.png,a,f,\"y\"\r\n");
  EXPECT_EQ(set->class_name(set->label(0)), "b, c");
  EXPECT_TRUE(set->is_query(0) && set->is_gallery(0));
  EXPECT_FALSE(set->is_query(1) || set->is_gallery(1));
  EXPECT_TRUE(!set->is_query(2) && set->is_gallery(2));
}

// As open-metric-learning writes its lists.
TEST_F(ImageManifestTest, FlagsMatterOnlyWhereRowsAreEvaluated) {
  const std::string text =
      "label,path,split,is_query,is_gallery\n"
      "a,deep/0.png,train,,\n"
      "a,deep/1.png,train,nan,NaN\n"
      "b,deep/2.png,validation,True,False\n"
      "b,deep/3.png,validation,False,True\n";
  config_.split = "train";
  EXPECT_EQ(open(text)->size(), 2);
  config_.split = "validation";
  EXPECT_TRUE(open(text)->is_query(0));
  EXPECT_FALSE(open(text)->is_query(1));
  config_.split = "";
  config_.other_columns = OtherColumns::kIgnore;
  const auto all = open(text);
  EXPECT_TRUE(all->is_gallery(3));
  try {
    all->is_query(1);
    FAIL() << "a row without a flag was evaluated";
  } catch (const DataError& refused) {
    EXPECT_THAT(refused.what(),
                AllOf(HasSubstr("is_query"), HasSubstr("deep/1.png"), HasSubstr("evaluate.data.split")));
  }
}

TEST_F(ImageManifestTest, ColumnsThatNothingReadsAreErrorsUnlessIgnored) {
  const std::string others = ",path,label,x_1\n0,deep/0.png,a,2\n";
  const std::string split = "path,label,split\ndeep/0.png,a,train\ndeep/1.png,b,test\n";
  EXPECT_THAT(error(others), AllOf(HasSubstr("(no name), x_1"), HasSubstr("other_columns: ignore"),
                                   HasSubstr("list.csv:1")));
  EXPECT_THAT(error(split), AllOf(HasSubstr("a column split"), HasSubstr("other_columns: ignore")));
  config_.other_columns = OtherColumns::kIgnore;
  EXPECT_EQ(open(others)->size(), 1);
  EXPECT_THAT(
      open(others)->left_out().sentences(),
      ElementsAre(AllOf(HasSubstr("2 columns that nothing reads: (no name), x_1"), HasSubstr("list.csv"))));
  EXPECT_EQ(open(split)->size(), 2);
  EXPECT_THAT(open(split)->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("1 column that nothing reads: split"), HasSubstr("all splits"))));
  config_.other_columns = OtherColumns::kRefuse;
  config_.split = "test";
  EXPECT_EQ(open(split)->size(), 1);
  EXPECT_TRUE(open(split)->left_out().empty());
}

TEST_F(ImageManifestTest, TheSameSpellingOfAColumnComesBeforeOthers) {
  const std::string text = "Label,path,label\nno,deep/0.png,a\n";
  EXPECT_THAT(error(text), AllOf(HasSubstr("expected only path"), HasSubstr("others too: Label"),
                                 HasSubstr("other_columns: ignore")));
  config_.other_columns = OtherColumns::kIgnore;
  const auto set = open(text);
  EXPECT_EQ(set->class_name(0), "a");
  EXPECT_THAT(set->left_out().sentences(), ElementsAre(HasSubstr("1 column that nothing reads: Label")));
}

TEST_F(ImageManifestTest, NamesOfColumnsAreComparedWithoutCase) {
  config_.split = "a";
  const auto set = open(" Path,LABEL,Split ,Is_Query\ndeep/0.png,Cat,a,0\n");
  EXPECT_EQ(set->class_name(0), "Cat");
  EXPECT_FALSE(set->is_query(0));
  EXPECT_THAT(error("path,LABEL,split,Label\n"),
              AllOf(HasSubstr("got LABEL, Label at"), HasSubstr("rename")));
  EXPECT_THAT(error("path,label,split,Group\n"), HasSubstr("a column group"));
}

TEST_F(ImageManifestTest, AMissingImageIsADataErrorWhenItIsRead) {
  const auto set = open("path,label\nnone.png,a\n");
  EXPECT_THROW(set->get(0), DataError);
}

}  // namespace
}  // namespace lodestone
