#include "trainer/init/find.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/images.h"
#include "support/texts.h"
#include "trainer/init/measured.h"

namespace lodestone::init {
namespace {

using sampler::TextFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Find : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name); }
  void image(const std::string& name) const { testing::write_png(path(name), testing::drawn_image(1, 1)); }
  std::string text(const std::string& name, const std::string& content) const {
    testing::write_bytes(path(name), content);
    return path(name);
  }
  std::string rows(const std::string& name, int count, const std::function<std::string(int)>& row,
                   const std::string& header = "") const {
    std::string content = header;
    for (int i = 0; i < count; ++i) content += row(i);
    return text(name, content);
  }
  std::string refused(const std::string& name) const {
    return testing::message_of<DataError>([&] { measure(find(path(name))); });
  }

  testing::TextFolder folder_;
};

std::string n(int i) {
  return std::to_string(i);
}

TEST_F(Find, ClassFoldersAndTheirSplits) {
  for (const char* c : {"ada", "bob"}) image("people/" + std::string(c) + "/1.png");
  EXPECT_EQ(find(path("people")).train.path, path("people"));
  EXPECT_TRUE(find(path("people")).evaluate.empty());
  // A list that was made of the folders does not take their place.
  rows("people/pairs.tsv", 12, [](int i) { return "ada/1.png\tbob/1.png\t" + n(i % 2) + "\n"; });
  const Finding people = find(path("people"));
  EXPECT_EQ(people.content, Content::kImages);
  EXPECT_EQ(people.train.path, path("people"));
  EXPECT_THAT(people.others, ElementsAre(HasSubstr("people/pairs.tsv; name it with --from")));
  for (const char* split : {"train", "val", "test"})
    for (const char* c : {"ada", "bob"}) image("splits/" + std::string(split) + "/" + c + "/1.png");
  const Finding splits = find(path("splits"));
  EXPECT_EQ(splits.train.path, path("splits/train"));
  EXPECT_EQ(splits.evaluate.path, path("splits/val"));
  EXPECT_THAT(splits.others, ElementsAre(HasSubstr("test is left for the end")));
}

TEST_F(Find, ShardsWithClassesOrCaptions) {
  testing::Tar classes, captions;
  for (int i = 0; i < 8; ++i) {
    classes.add_sample(n(i), testing::drawn_image(i, 0), "class" + n(i % 2));
    captions.add(n(i) + ".png", testing::png_text(testing::drawn_image(i, 0)))
        .add(n(i) + ".txt", "a picture of " + n(i));
  }
  for (const char* name : {"train-000.tar", "train-001.tar", "test-000.tar"})
    text("classes/" + std::string(name), classes.finished());
  text("captions/all.tar", captions.finished());
  const Finding labelled = find(path("classes"));
  EXPECT_EQ(labelled.content, Content::kImages);
  EXPECT_EQ(labelled.train.path, path("classes/train-*.tar"));
  EXPECT_EQ(labelled.evaluate.path, path("classes/test-000.tar"));
  EXPECT_THAT(labelled.guesses, IsEmpty());
  const Finding captioned = find(path("captions/all.tar"));
  EXPECT_EQ(captioned.content, Content::kCaptions);
  EXPECT_THAT(captioned.guesses, ElementsAre(HasSubstr("data.kind: images")));
}

TEST_F(Find, ListsOfImagesWithTheirSplit) {
  image("a.png");
  const Finding list = find(rows(
      "list.csv", 20,
      [](int i) { return "a.png,c" + n(i % 4) + "," + (i % 5 == 0 ? "val" : "train") + ",x\n"; },
      "path,label,split,extra\n"));
  EXPECT_EQ(list.content, Content::kImages);
  EXPECT_EQ(list.train.split, "train");
  EXPECT_EQ(list.evaluate.split, "val");
  EXPECT_EQ(list.train.other_columns, sampler::OtherColumns::kIgnore);
  rows(
      "other.csv", 20, [](int i) { return "a.png,c" + n(i % 4) + "\n"; }, "img,species\n");
  EXPECT_THAT(refused("other.csv"), HasSubstr("name the columns of a list of images path and label"));
}

TEST_F(Find, TextsWithClassesByNameAndByContent) {
  const auto row = [](int i) { return "c" + n(i % 4) + "\tan utterance of some words " + n(i) + "\n"; };
  const Finding named = find(rows("named.tsv", 40, row, "intent\ttext\n"));
  EXPECT_EQ(named.text.format, TextFormat::kLabels);
  EXPECT_THAT(named.text.columns, ElementsAre("text", "intent"));
  EXPECT_THAT(named.guesses, IsEmpty());
  const Finding guessed = find(rows("bare.tsv", 40, row));
  EXPECT_THAT(guessed.text.columns, ElementsAre("2", "1"));
  EXPECT_EQ(guessed.text.header, AutoYesNo::kNo);
  EXPECT_THAT(guessed.guesses, ElementsAre(HasSubstr("data.text.columns changes it")));
  const Finding json = find(rows("train.jsonl", 40, [](int i) {
    return R"({"text": "an utterance )" + n(i) + R"(", "label": "c)" + n(i % 4) + R"(", "from": "x)" +
           n(i % 3) + "\"}\n";
  }));
  EXPECT_THAT(json.text.columns, ElementsAre("text", "label"));
  EXPECT_THAT(json.others, ElementsAre("columns that nothing reads: from"));
}

// A third column that the header does not name as usual, or without a header.
TEST_F(Find, ScoresOfPairsByTheirNumbers) {
  const auto pair = [](int i) { return "question " + n(i) + "\tan answer " + n(i) + "\t"; };
  const auto found = [&](const std::string& name, const std::function<std::string(int)>& score,
                         const std::string& header) {
    return find(rows(
        name, 30, [&](int i) { return pair(i) + score(i) + "\n"; }, header));
  };
  const auto binary = [](int i) { return n(i % 2); };
  const auto grade = [](int i) { return n(i % 5) + "." + n(i % 4); };
  for (const char* header : {"", "left\tright\tverdict\n"}) {
    const Finding labelled = found("binary.tsv", binary, header);
    EXPECT_EQ(labelled.text.columns.size(), 3U);
    EXPECT_EQ(labelled.what, "pairs of texts, labelled the same (1) or not (0)");
    EXPECT_THAT(labelled.guesses,
                ElementsAre(HasSubstr("says whether the texts of a row are the same (1) or not (0)"),
                            HasSubstr("are the texts of a pair")));
    const Finding graded = found("graded.tsv", grade, header);
    EXPECT_EQ(graded.what, "pairs of texts with grades of similarity");
    EXPECT_TRUE(graded.text.same_from.has_value());
    EXPECT_THAT(graded.guesses.front(), HasSubstr("says how similar the texts of a row are"));
  }
  // Years are no grades.
  const Finding years = found(
      "years.tsv", [](int i) { return n(1990 + i % 20); }, "left\tright\tyear\n");
  EXPECT_EQ(years.text.columns.size(), 2U);
  EXPECT_THAT(years.others, ElementsAre("columns that nothing reads: year"));
}

TEST_F(Find, PairsGradesTripletsAndQueries) {
  const auto pair = [](int i) { return "question " + n(i) + "\tan answer " + n(i); };
  const Finding pairs = find(rows("pairs.tsv", 30, [&](int i) { return pair(i) + "\n"; }));
  EXPECT_EQ(pairs.text.format, TextFormat::kPairs);
  EXPECT_THAT(pairs.text.columns, ElementsAre("1", "2"));
  const Finding graded = find(rows(
      "sts.tsv", 30, [&](int i) { return pair(i) + "\t" + n(i % 6) + "\n"; },
      "sentence1\tsentence2\tscore\n"));
  EXPECT_EQ(graded.text.same_from, 3.5);
  EXPECT_THAT(graded.guesses, ElementsAre(HasSubstr("data.text.same_from changes it")));
  const Finding labelled = find(rows(
      "same.csv", 30, [&](int i) { return "one " + n(i) + ",two " + n(i) + "," + n(i % 2) + "\n"; },
      "text1,text2,is_duplicate\n"));
  EXPECT_THAT(labelled.text.columns, ElementsAre("text1", "text2", "is_duplicate"));
  EXPECT_FALSE(labelled.text.same_from.has_value());
  const Finding triplets = find(rows(
      "t.tsv", 30, [&](int i) { return pair(i) + "\tother " + n(i) + "\n"; },
      "anchor\tpositive\tnegative\n"));
  EXPECT_EQ(triplets.text.format, TextFormat::kTriplets);
  const Finding queries = find(rows("q.jsonl", 30, [](int i) {
    return R"({"query": "q)" + n(i) + R"(", "positive": "p)" + n(i) + R"(", "negatives": ["a", "b"]})" + "\n";
  }));
  EXPECT_EQ(queries.text.format, TextFormat::kQueries);
}

TEST_F(Find, PairsOfImagesAndTablesOfCaptions) {
  for (int i = 0; i < 4; ++i) image(n(i) + ".png");
  const Finding tuples = find(rows("pairs.tsv", 12, [](int i) {
    return n(i % 4) + ".png\t" + n((i + 1) % 4) + ".png\t" + n(i % 2) + "\n";
  }));
  EXPECT_EQ(tuples.content, Content::kImageTuples);
  EXPECT_EQ(tuples.tuples, path("pairs.tsv"));
  EXPECT_TRUE(tuples.evaluate.empty());
  const Finding captions = find(rows(
      "captions.csv", 12, [](int i) { return n(i % 4) + ".png,a caption " + n(i) + "\n"; },
      "image,caption\n"));
  EXPECT_EQ(captions.content, Content::kCaptions);
  EXPECT_THAT(captions.text.columns, ElementsAre("caption", "image"));
}

TEST_F(Find, AFolderOfTablesAndTheTestTableBesideOne) {
  const auto row = [](int i) { return "some text " + n(i) + "\tc" + n(i % 4) + "\n"; };
  for (const char* name : {"train.tsv", "test.tsv", "train-pairs.tsv"})
    rows("texts/" + std::string(name), 40, row);
  const Finding folder = find(path("texts"));
  EXPECT_EQ(folder.train.path, path("texts/train.tsv"));
  EXPECT_EQ(folder.evaluate.path, path("texts/test.tsv"));
  EXPECT_THAT(folder.others, ElementsAre(HasSubstr("train-pairs.tsv is another data set")));
  EXPECT_EQ(find(path("texts/train.tsv")).evaluate.path, path("texts/test.tsv"));
  EXPECT_TRUE(find(path("texts/train-pairs.tsv")).evaluate.empty());
}

TEST_F(Find, WhatCannotBeUsedSaysWhatItIsAndWhatToDo) {
  EXPECT_THAT(refused("nothing"), HasSubstr("does not exist"));
  std::filesystem::create_directories(path("empty"));
  EXPECT_THAT(refused("empty"), HasSubstr("an empty folder"));
  image("loose/1.png");
  EXPECT_THAT(refused("loose"), HasSubstr("put the images of each class"));
  image("one/ada/1.png");
  image("one/ada/2.png");
  EXPECT_THAT(refused("one"), HasSubstr("expected at least two classes"));
  for (const char* c : {"a", "b", "c"}) image("single/" + std::string(c) + "/1.png");
  EXPECT_THAT(refused("single"), HasSubstr("one each"));
  text("data.parquet", "PAR1");
  EXPECT_THAT(refused("data.parquet"), HasSubstr("read_parquet"));
  text("phone/a/1.heic", "x");
  EXPECT_THAT(refused("phone"), HasSubstr("a HEIC photograph; convert it to PNG or JPEG"));
  text("texts.txt", "one text\nanother one\n");
  EXPECT_THAT(refused("texts.txt"), HasSubstr("one text a line: nothing says which of them belong together"));
  text("empty.csv", "text,label\n");
  EXPECT_THAT(refused("empty.csv"), HasSubstr("got the header alone (text, label); add rows"));
  text("two.csv", "sentence1,sentence2\na,b\nc,d\n");
  EXPECT_THAT(refused("two.csv"), HasSubstr("expected at least 8 rows"));
  rows(
      "spreadsheet.csv", 30, [](int i) { return "a text " + n(i) + ";c" + n(i % 3) + "\n"; }, "text;label\n");
  EXPECT_THAT(refused("spreadsheet.csv"), HasSubstr("got semicolons; save the table with commas"));
  text("list.json", "[{\"text\": \"a\"}]");
  EXPECT_THAT(refused("list.json"), HasSubstr("jq -c"));
  rows("lines.tsv", 30, [](int i) { return "only a text " + n(i) + "\n"; });
  EXPECT_THAT(refused("lines.tsv"), HasSubstr("texts need a column that repeats"));
}

TEST_F(Find, AnEmptyFolderFitsNoRow) {
  for (const FindingRow& row : finding_table())
    EXPECT_FALSE(row.is_there({.path = path("no"), .is_folder = true, .files = {}, .folders = {}}))
        << row.name;
}

}  // namespace
}  // namespace lodestone::init
