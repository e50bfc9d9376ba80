#include "sampler/files/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TextFolder;

using Rows = std::vector<std::vector<std::string>>;

/// Rows, with the number of the first line and what is wrong in place of columns that cannot be read.
Rows rows_of(const std::string& text, RecordSyntax syntax, bool multiline = false) {
  TextFolder folder;
  const PositionedFile file(folder.write("t", text));
  Rows rows;
  for (RecordReader reader(file, syntax, multiline, 0, /*chunk=*/5); reader.next();) {
    if (reader.problem().empty())
      rows.push_back(reader.columns());
    else
      rows.push_back({"line " + std::to_string(reader.line()) + ", " + std::to_string(reader.lines()),
                      reader.open_quote() ? "open quote" : "other"});
  }
  return rows;
}

Rows commas(const std::string& text, bool multiline = false) {
  return rows_of(text, RecordSyntax::kCommas, multiline);
}

TEST(RecordReader, SyntaxIsTheEndingsInAnyCase) {
  for (const char* path : {"a.jsonl", "a.JSONL", "a.ndjson", "a.json"})
    EXPECT_EQ(syntax_of(path), RecordSyntax::kJsonLines) << path;
  EXPECT_EQ(syntax_of("x/a.CSV"), RecordSyntax::kCommas);
  for (const char* path : {"a.txt", "a.TXT", "b/*.txt"})
    EXPECT_EQ(syntax_of(path), RecordSyntax::kLines) << path;
  for (const char* path : {"a.tsv", "a", "txt", "a.txt.old"})
    EXPECT_EQ(syntax_of(path), RecordSyntax::kTabs) << path;
}

TEST(RecordReader, QuotesHoldCommasAndQuotes) {
  EXPECT_THAT(commas("\xEF\xBB\xBF"
                     "a,b\r\n\r\n\"x, \"\"y\"\"\",\n,q\"r"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("x, \"y\"", ""), ElementsAre("", "q\"r")));
  EXPECT_THAT(commas("\"only\"\r\n"), ElementsAre(ElementsAre("only")));
  EXPECT_THAT(commas("\"\"\n"), ElementsAre(ElementsAre("")));  // an empty column, no blank line
  EXPECT_THAT(commas(""), ElementsAre());
  EXPECT_THAT(commas("\n\r\n\n"), ElementsAre());
}

TEST(RecordReader, TabsAndLinesKnowNoQuotes) {
  const std::string text = "\"a\tb,\"\n\tc\r\n\n";
  EXPECT_THAT(rows_of(text, RecordSyntax::kTabs),
              ElementsAre(ElementsAre("\"a", "b,\""), ElementsAre("", "c")));
  EXPECT_THAT(rows_of(text, RecordSyntax::kLines), ElementsAre(ElementsAre("\"a\tb,\""), ElementsAre("\tc")));
  EXPECT_THAT(rows_of(text, RecordSyntax::kJsonLines),
              ElementsAre(ElementsAre("\"a\tb,\""), ElementsAre("\tc")));
}

TEST(RecordReader, AStrayQuoteCostsItsLine) {
  const auto one_line = ElementsAre("line 2, 1", "open quote");
  for (const bool multiline : {false, true}) {
    EXPECT_THAT(commas("a,b\n\"stray,k\nc,d\ne,f\n", multiline),
                ElementsAre(ElementsAre("a", "b"), one_line, ElementsAre("c", "d"), ElementsAre("e", "f")));
    // The next quote opens a column of its own.
    EXPECT_THAT(commas("a,b\n\"stray,k\nc,\"d\"\n\"e\",f\n", multiline),
                ElementsAre(ElementsAre("a", "b"), one_line, ElementsAre("c", "d"), ElementsAre("e", "f")));
    EXPECT_THAT(commas("a,b\nc,\"", multiline), ElementsAre(ElementsAre("a", "b"), one_line));
    EXPECT_THAT(commas("a,b\nc,\"\n", multiline), ElementsAre(ElementsAre("a", "b"), one_line));
    EXPECT_THAT(commas("\"a\"b,\"c\nd,e\n", multiline),
                ElementsAre(ElementsAre("line 1, 1", "other"), ElementsAre("d", "e")));
  }
}

TEST(RecordReader, ColumnsOfSeveralLinesAreAskedFor) {
  const std::string text = "\"two\nlines\",\"and\r\n\nthree\"\nlast,x\n";
  EXPECT_THAT(commas(text, /*multiline=*/true),
              ElementsAre(ElementsAre("two\nlines", "and\r\n\nthree"), ElementsAre("last", "x")));
  EXPECT_THAT(commas(text), ElementsAre(ElementsAre("line 1, 4", "open quote"), ElementsAre("last", "x")));
  EXPECT_THAT(commas("\"two\nlines\",x"), ElementsAre(ElementsAre("line 1, 2", "open quote")));
}

// What else leaves a file's lines uncounted: each with the rows that are right.
TEST(RecordReader, NoLineIsLostToWhatStandsInAnother) {
  const std::vector<std::string> bad = {"line 2, 1", "other"}, a = {"a", "b"}, c = {"c", "d"};
  const std::vector<std::pair<std::string, Rows>> cases = {
      {"a,b\nx\"y,z\nc,d\n", {a, {"x\"y", "z"}, c}},          // inches, in the middle of a cell
      {"a,b\n \"x\",y\nc,d\n", {a, {" \"x\"", "y"}, c}},      // a blank before the quote
      {"a,b\n\"x\" ,y\nc,d\n", {a, bad, c}},                  // and one behind it
      {"a,b\n\"he said \\\"hi\\\"\",y\nc,d\n", {a, bad, c}},  // quotes as other languages escape them
      {"a,b\n\"x,\"\"y\nc,d\n", {a, {"line 2, 1", "open quote"}, c}},  // a pair that closes nothing
      {std::string("a,b\nx\0y,z\nc,d\n", 14), {a, bad, c}},
      {std::string("a,b\n\"x\0\",z\nc,d\n", 15), {a, bad, c}},
      {"a,b\r\n\"x\r\nc,d\r\n", {a, {"line 2, 1", "open quote"}, c}}};
  for (const auto& [text, rows] : cases)
    for (const bool multiline : {false, true}) EXPECT_EQ(commas(text, multiline), rows) << text << multiline;
  EXPECT_THAT(rows_of(std::string("a\tb\nx\0\ty\nc\td\n", 13), RecordSyntax::kTabs), ElementsAre(a, bad, c));
}

// Where every other byte is 0, each line would be a text of letters that nobody wrote.
TEST(RecordReader, OtherEncodingsAreRefusedAtOnce) {
  TextFolder folder;
  const std::string little(
      "\xFF\xFE"
      "a\0\t\0b\0\n\0",
      10),
      big("\xFE\xFF\0a\0\t\0b\0\n", 10);
  for (const std::string& text : {little, big, std::string("\xFF\xFE\0\0", 4)}) {
    const PositionedFile file(folder.write("t.tsv", text));
    EXPECT_THAT(testing::message_of<DataError>([&] { RecordReader(file, RecordSyntax::kTabs); }),
                ::testing::AllOf(HasSubstr("UTF-16"), HasSubstr("t.tsv"), HasSubstr("iconv")));
  }
  EXPECT_THAT(rows_of(little.substr(2), RecordSyntax::kTabs),  // without the mark
              ElementsAre(ElementsAre("line 1, 1", "other"), ElementsAre("line 2, 1", "other")));
  EXPECT_THAT(rows_of("\xEF\xBB\xBF"
                      "a\n",
                      RecordSyntax::kLines),
              ElementsAre(ElementsAre("a")));
}

// A .txt file is one text a line: nothing within a line divides it, and nothing but its end belongs to no
// text.
TEST(RecordReader, NothingDividesALineOfText) {
  for (const std::string text :
       {"bana\tdeki", "\tbana", "bana\t", "bana,deki", "\"bana\"", "\"bana", "bana\vdeki\ffolo", "bana\rdeki",
        "bana\u2028deki\u0085folo", "bana\u00a0deki", " bana ", "#bana", "{\"text\": \"bana\"}"})
    for (const std::string end : {"\n", "\r\n", ""})
      EXPECT_THAT(rows_of("first" + (end.empty() ? "\n" : end) + text + end, RecordSyntax::kLines),
                  ElementsAre(ElementsAre("first"), ElementsAre(text)))
          << text;
}

TEST(RecordReader, LooksForTheEndOfAColumnSoFarOnly) {
  std::string text = "\"open,k\n";
  for (int64_t n = 0; n < RecordReader::kMaxLines; ++n) text += "a,b\n";
  text += "c\",d\n";
  const Rows rows = commas(text);
  ASSERT_EQ(rows.size(), 2 + RecordReader::kMaxLines);
  EXPECT_THAT(rows.front(), ElementsAre("line 1, 1", "open quote"));
  EXPECT_THAT(rows.back(), ElementsAre("c\"", "d"));
  EXPECT_EQ(commas(text, /*multiline=*/true).size(), 1U);
}

TEST(RecordReader, RecordsHaveABoundAndAnyOffsetIsABeginning) {
  TextFolder folder;
  const auto too_long = static_cast<size_t>(RecordReader::kMaxRecordBytes) + 1;
  const PositionedFile file(
      folder.write("t.csv", std::string(too_long, 'y') + "\n\"" + std::string(too_long, '\n') + "\"\nb,c\n"));
  RecordReader reader(file, RecordSyntax::kCommas, /*multiline=*/true);
  ASSERT_TRUE(reader.next());
  EXPECT_THAT(reader.problem(), HasSubstr("at most 4 MiB"));
  ASSERT_TRUE(reader.next());
  EXPECT_TRUE(reader.open_quote());
  EXPECT_THAT(reader.problem(), HasSubstr("on line 2"));
  EXPECT_EQ(reader.line(), 2);
  ASSERT_TRUE(reader.next());  // the quote that was to close opens another one
  EXPECT_TRUE(reader.open_quote());
  ASSERT_TRUE(reader.next());
  EXPECT_THAT(reader.columns(), ElementsAre("b", "c"));
  RecordReader again(file, RecordSyntax::kCommas, true, reader.offset());
  ASSERT_TRUE(again.next());
  EXPECT_THAT(again.columns(), ElementsAre("b", "c"));
  EXPECT_FALSE(again.next());
}

}  // namespace
}  // namespace lodestone
