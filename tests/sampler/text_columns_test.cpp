#include "sampler/texts/text_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "support/text_files.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::all_texts;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using testing::open_text_file;
using testing::TextFolder;

TEST(TextColumns, ColumnsBeyondTheFirstRowsAreErrors) {
  TextFolder folder;
  const auto error = [&](const std::string& name, const std::string& content, TextFormat format) {
    const std::string path = folder.write(name, content);
    return message_of<DataError>([&] { open_text_file(path, format); });
  };
  // A tab or a comma inside a text would make a part of it the label.
  EXPECT_THAT(error("t.tsv", "a\tx\nb\tc\ty\n", TextFormat::kLabels),
              AllOf(HasSubstr("t.tsv:2"), HasSubstr("a tab inside a text")));
  EXPECT_THAT(error("t.csv", "text,label\na,x\nb, c,y\n", TextFormat::kLabels),
              AllOf(HasSubstr("t.csv:3"), HasSubstr("a comma")));
  EXPECT_THAT(error("three.tsv", "a\tx\textra\n", TextFormat::kLabels),
              AllOf(HasSubstr("expected 2 columns"), HasSubstr("got 3"), HasSubstr("data.text.columns")));
  EXPECT_THAT(error("late.tsv", "a\tb\nc\td\t0.5\n", TextFormat::kPairs), HasSubstr("late.tsv:2"));
  EXPECT_THAT(error("texts.tsv", "a\nb\tc\n", TextFormat::kTexts), HasSubstr("texts.tsv:2"));
  EXPECT_THAT(all_texts(open_text_file(folder.write("cells.csv", "text,sentence\na,\nb,c\n"),
                                       TextFormat::kTexts, {"text"})),
              ElementsAre("a", "b"));
  EXPECT_THAT(all_texts(open_text_file(folder.path("three.tsv"), TextFormat::kLabels, {"1", "2"})),
              ElementsAre("a"));
}

TEST(TextColumns, ColumnsThatNothingReadsAreErrors) {
  TextFolder folder;
  const auto error = [&](const std::string& name, const std::string& content, TextFormat format) {
    const std::string path = folder.write(name, content);
    return message_of<DataError>([&] { open_text_file(path, format); });
  };
  for (const char* column :
       {"is_query", "is_gallery", "split", "id", "negative", "negative_7", "score", "sentence2"})
    EXPECT_THAT(error("a.csv", "text,label," + std::string(column) + "\na,x,1\n", TextFormat::kLabels),
                AllOf(HasSubstr("got " + std::string(column) + " too"), HasSubstr("columns: [text, label]")));
  EXPECT_THAT(error("p.csv", "anchor,positive,negative\na,b,c\n", TextFormat::kPairs),
              HasSubstr("got negative too"));
  EXPECT_THAT(
      error("p.jsonl",
            "{\"anchor\":\"a\",\"positive\":\"b\"}\n{\"anchor\":\"a\",\"positive\":\"c\",\"label\":1}\n",
            TextFormat::kPairs),
      HasSubstr("p.jsonl:2"));
  EXPECT_THAT(error("id.csv", "id,Text,label,\n1,a,x,\n", TextFormat::kLabels),
              AllOf(HasSubstr("got id, (no name) too"), HasSubstr("columns: [Text, label]")));
  EXPECT_THAT(
      error("late.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"a\",\"label\":\"x\",\"id\":1}\n",
            TextFormat::kLabels),
      AllOf(HasSubstr("late.jsonl:2"), HasSubstr("got id too")));
  EXPECT_THAT(error("texts.csv", "text,label\na,x\n", TextFormat::kTexts), HasSubstr("columns: [text]"));
  EXPECT_THAT(error("half.tsv", "text\tintent\nwake me\tclock\n", TextFormat::kLabels),
              HasSubstr("data.text.header: no"));
  for (const char* header : {"text;label", "sentence1;sentence2"})
    EXPECT_THAT(error("semicolons.csv", std::string(header) + "\na;x\n", TextFormat::kLabels),
                AllOf(HasSubstr("got semicolons"), HasSubstr("delimiter=';'")));
  EXPECT_THAT(all_texts(open_text_file(folder.write("one.csv", "Stop; go\nnow\n"), TextFormat::kTexts, {})),
              ElementsAre("Stop; go", "now"));
  // What the configuration names is what the user wants.
  EXPECT_THAT(all_texts(open_text_file(folder.path("id.csv"), TextFormat::kLabels, {"text", "LABEL"})),
              ElementsAre("a"));
  EXPECT_THAT(all_texts(open_text_file(folder.path("late.jsonl"), TextFormat::kLabels, {"text", "label"})),
              ElementsAre("a", "a"));
  EXPECT_THAT(all_texts(open_text_file(folder.path("p.csv"), TextFormat::kPairs, {"anchor", "positive"})),
              ElementsAre("a", "b"));
  EXPECT_THAT(all_texts(open_text_file(folder.path("half.tsv"), TextFormat::kLabels, {"text", "intent"})),
              ElementsAre("wake me"));
}

TEST(TextColumns, OtherColumnsAreIgnoredWhereTheLayoutSaysSo) {
  TextFolder folder;
  TextSource source;
  source.layout.other_columns = OtherColumns::kIgnore;
  source.path = folder.write("id.csv", "id,text,label,split\n1,a,x,y\n");
  const TextSet set = open_texts(source);
  EXPECT_THAT(all_texts(set), ElementsAre("a"));
  EXPECT_THAT(set.texts->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("2 columns that nothing reads: id, split;"), HasSubstr("id.csv"))));
  source.path = folder.write("id.jsonl",
                             "{\"text\":\"a\",\"label\":\"x\"}\n{\"id\":1,\"text\":\"b\",\"label\":\"x\"}\n");
  EXPECT_THAT(all_texts(open_texts(source)), ElementsAre("a", "b"));
}

// Runs of a snapshot before other_columns refused the columns that would change what they learned from.
TEST(TextColumns, OtherColumnsWithARoleAreRefusedWhereTheLayoutSaysSo) {
  TextFolder folder;
  TextSource source;
  source.layout.other_columns = OtherColumns::kIgnore;
  source.layout.refuse_roles = true;
  source.path = folder.write("id.csv", "id,text,label\n1,a,x\n");
  EXPECT_THAT(open_texts(source).texts->left_out().sentences(),
              ElementsAre(HasSubstr("1 column that nothing reads: id;")));
  for (const std::string name : {"is_query", "is_gallery", "split", "negative", "negative_1", "query"}) {
    source.path = folder.write("role.csv", "text,label," + name + "\na,x,1\n");
    EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }),
                AllOf(HasSubstr("got " + name), HasSubstr("set columns: [text, label]"),
                      ::testing::Not(HasSubstr("other_columns"))));
  }
  source.path = folder.write(
      "late.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"split\":1,\"text\":\"b\",\"label\":\"x\"}\n");
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }), HasSubstr("late.jsonl:2"));
  source.layout.columns = {"text", "label"};
  EXPECT_EQ(open_texts(source).rows, 2);
}

TEST(TextColumns, TheSameSpellingOfAColumnComesBeforeOthers) {
  TextFolder folder;
  TextSource source;
  source.path = folder.write("case.csv", "Label,text,label\nno,a,x\n");
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }), HasSubstr("got Label too"));
  source.layout.other_columns = OtherColumns::kIgnore;
  const TextSet set = open_texts(source);
  EXPECT_EQ(set.texts->class_name(0), "x");
  EXPECT_THAT(set.texts->left_out().sentences(),
              ElementsAre(HasSubstr("1 column that nothing reads: Label;")));
  source.path = folder.write("case.csv", "Label,text,LABEL\nno,a,x\n");
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }), HasSubstr("each column once"));
}

// The verbs of the tokenizer have no configuration.
TEST(TextColumns, RemediesAreThoseOfTheOptionWhereItSetsTheColumns) {
  TextFolder folder;
  TextLayout layout;
  layout.format = TextFormat::kTexts;
  const auto error = [&](const std::string& name, const std::string& content) {
    const PositionedFile file(folder.write(name, content));
    return message_of<DataError>([&] { TextColumns(file, syntax_of(file.path()), layout, SetBy::kOption); });
  };
  EXPECT_THAT(error("extra.csv", "Text,label\na,x\n"),
              ::testing::EndsWith("got label too; read some alone with --columns Text"));
  EXPECT_THAT(error("empty.csv", ""), ::testing::EndsWith("; correct the file, or give --columns"));
  layout.columns = {"1"};
  EXPECT_THAT(error("half.csv", "text,label\na,x\n"),
              ::testing::EndsWith("; name the columns, as in --columns text"));
}

TEST(TextColumns, TwoColumnsOfOneNameAreRefused) {
  TextFolder folder;
  const auto error = [&](const std::string& header, std::vector<std::string> columns = {}) {
    const std::string path = folder.write("two.csv", header + "\na,b,x\n");
    return message_of<DataError>([&] { open_text_file(path, TextFormat::kLabels, std::move(columns)); });
  };
  EXPECT_THAT(error("text,text,label"), HasSubstr("two.csv:1: expected each column once, got text, text; "));
  EXPECT_THAT(error("text,text,label"), ::testing::EndsWith("; rename or remove all but one"));
  EXPECT_THAT(error("Text, TEXT,label"), HasSubstr("each column once"));
  EXPECT_THAT(error("Text,TEXT,label", {"text", "label"}), HasSubstr("each column once"));
  EXPECT_THAT(error("text,text,label", {"text", "label"}), HasSubstr("each column once"));
  EXPECT_EQ(error("text,id,label", {"text", "label"}), "no error");
}

TEST(TextColumns, ColumnsThatAreNotThereAreNamedBesideThoseThatAre) {
  TextFolder folder;
  const auto error = [&](const std::string& name, const std::string& content,
                         std::vector<std::string> columns, AutoYesNo header = AutoYesNo::kAuto) {
    TextSource source;
    source.path = folder.write(name, content);
    source.layout.columns = std::move(columns);
    source.layout.header = header;
    return message_of<DataError>([&] { open_texts(source); });
  };
  EXPECT_THAT(error("a.tsv", "text\tlabel\na\tx\n", {"text", "nope"}),
              AllOf(HasSubstr("none named nope in text, label"), ::testing::Not(HasSubstr("'text'"))));
  EXPECT_THAT(error("a.csv", "text,label\na,x\n", {"nope", "label"}),
              HasSubstr("none named nope in text, label"));
  EXPECT_THAT(error("a.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n", {"text", "nope"}),
              HasSubstr("none named nope in label, text"));
  EXPECT_THAT(error("b.tsv", "text\tlabel\na\tx\n", {"text", "2"}), HasSubstr("none named 2 in text, label"));
  EXPECT_THAT(error("c.tsv", "a\tx\n", {"text", "label"}, AutoYesNo::kNo),
              HasSubstr("`header` is no, got 'text'"));
  EXPECT_THAT(error("e.tsv", "text\tlabel\na\tx\n", {"text", "nope"}, AutoYesNo::kYes),
              HasSubstr("none named nope"));
  EXPECT_THAT(error("f.tsv", "text\tlabel\na\tx\n", {"1", "2"}), HasSubstr("without a header"));
  std::string wide = "c0";
  for (int c = 1; c < 500; ++c) wide += "\tc" + std::to_string(c);
  EXPECT_THAT(error("d.tsv", wide + "\n", {"text", "label"}), HasSubstr("c19 and 480 more"));
}

}  // namespace
}  // namespace lodestone
