#include "sampler/texts/text_source.h"

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
using ::testing::Not;
using testing::open_text_file;
using testing::TextFolder;

TEST(TextSource, LabelsAreClassesInOrderOfTheirNames) {
  TextFolder folder;
  const std::string tabs = "wake me\tclock\nhow warm\tweather\n\nring at six\tclock\r\n";
  for (const std::string& path :
       {folder.write("a.tsv", tabs),
        folder.write("h.tsv", "Label\tTEXT \nclock\twake me\nweather\thow warm\nclock\tring at six"),
        folder.write("a.csv", "text,label\n\"wake me\",clock\nhow warm,weather\nring at six,clock\n"),
        folder.write(
            "a.jsonl",
            "{\"text\":\"wake me\",\"label\":\"clock\"}\n{\"label\":\"weather\",\"text\":\"how warm\"}\n"
            "{\"text\":\"ring at six\",\"label\":\"clock\"}\n"),
        folder.write("mark.csv",
                     "\xEF\xBB\xBFtext,label\nwake me,clock\nhow warm,weather\nring at six,clock\n")}) {
    const TextSet set = open_text_file(path, TextFormat::kLabels);
    EXPECT_THAT(all_texts(set), ElementsAre("wake me", "how warm", "ring at six")) << path;
    EXPECT_EQ(set.texts->classes(), 2);
    EXPECT_EQ(set.texts->class_name(0), "clock");
    EXPECT_EQ(set.texts->label(0), 0);
    EXPECT_EQ(set.texts->label(1), 1);
    EXPECT_EQ(set.texts->label(2), 0);
    EXPECT_EQ(set.texts->bytes(1), 8);
    EXPECT_EQ(set.texts_per_row, 1);
    EXPECT_FALSE(set.row_is_unit);
  }
  EXPECT_EQ(open_text_file(folder.path("a.tsv"), TextFormat::kLabels).texts->key(2), "a.tsv:4");
}

TEST(TextSource, TheSameTextIsTheSameSample) {
  TextFolder folder;
  const TextSet set =
      open_text_file(folder.write("a.tsv", "yes\tagree\nno\trefuse\nyes\tconfirm\n"), TextFormat::kLabels);
  EXPECT_EQ(set.texts->id(0), set.texts->id(2));
  EXPECT_NE(set.texts->id(0), set.texts->id(1));
}

TEST(TextSource, ClassFilterKeepsClasses) {
  TextFolder folder;
  TextSource source;
  source.path = folder.write("a.tsv", "a\tbank/pay\nb\tbank/loan\nc\ttravel/car\n");
  source.class_filter = {"bank/*", "!*/loan"};
  const TextSet set = open_texts(source);
  EXPECT_THAT(all_texts(set), ElementsAre("a"));
  source.class_filter = {"x*"};
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }), HasSubstr("that class_filter keeps"));
  source.layout.format = TextFormat::kTexts;
  EXPECT_THROW(open_texts(source), ConfigError);
}

TEST(TextSource, PairsWithoutALabelAreComparedAndShareAClass) {
  TextFolder folder;
  const TextSet set =
      open_text_file(folder.write("p.tsv", "query\tanswer\nq1\ta1\nq2\ta2\nq3\ta1\n"), TextFormat::kPairs);
  EXPECT_TRUE(set.row_is_unit);
  EXPECT_EQ(set.texts_per_row, 2);
  EXPECT_TRUE(set.tuples.empty());
  EXPECT_THAT(all_texts(set), ElementsAre("q1", "a1", "q2", "a2", "q3", "a1"));
  EXPECT_EQ(set.texts->label(2), set.texts->label(3));
  EXPECT_EQ(set.texts->classes(), 3);
  EXPECT_EQ(set.texts->class_name(1), "p.tsv:3");
  // Rows 1 and 3 have an answer in common: neither's query is a negative of the other's answer.
  EXPECT_EQ(set.texts->group(0), set.texts->group(2));
  EXPECT_NE(set.texts->group(0), set.texts->group(1));
}

TEST(TextSource, GroupsLinkRowsThroughOthers) {
  TextFolder folder;
  const TextSet set =
      open_text_file(folder.write("p.tsv", "a\tb\nx\ty\nc\td\nb\tc\n"), TextFormat::kPairs, {"1", "2"});
  EXPECT_EQ(set.texts->group(0), set.texts->group(2));
  EXPECT_EQ(set.texts->group(0), set.texts->group(3));
  EXPECT_NE(set.texts->group(0), set.texts->group(1));
}

TEST(TextSource, LabelledPairsAreTuples) {
  TextFolder folder;
  const TextSet set = open_text_file(folder.write("p.jsonl",
                                                  "{\"sentence1\":\"a\",\"sentence2\":\"b\",\"label\":1}\n"
                                                  "{\"sentence1\":\"c\",\"sentence2\":\"a\",\"label\":0}\n"),
                                     TextFormat::kPairs);
  EXPECT_FALSE(set.row_is_unit);
  EXPECT_THAT(set.tuples, ElementsAre(Tuple{0, 1, -1, true}, Tuple{2, 3, -1, false}));
  EXPECT_TRUE(set.scores.empty());
  EXPECT_EQ(set.texts->group(set.texts->label(0)), set.texts->group(set.texts->label(3)));
}

TEST(TextSource, GradedPairsHaveScoresOrLabelsFromAThreshold) {
  TextFolder folder;
  const std::string path =
      folder.write("s.csv", "sentence1,sentence2,score\n\"one, two\",b,4.5\nc,\"d \"\"e\"\"\",0\nf,g,2\n");
  TextSet set = open_text_file(path, TextFormat::kPairs);
  EXPECT_THAT(set.scores, ElementsAre(4.5, 0, 2));
  EXPECT_TRUE(set.tuples.empty());
  EXPECT_EQ(set.texts->get(0), "one, two");
  EXPECT_EQ(set.texts->get(3), "d \"e\"");
  TextSource source;
  source.path = path;
  source.layout.format = TextFormat::kPairs;
  source.layout.same_from = 2.0;
  set = open_texts(source);
  EXPECT_TRUE(set.scores.empty());
  EXPECT_THAT(set.tuples, ElementsAre(Tuple{0, 1, -1, true}, Tuple{2, 3, -1, false}, Tuple{4, 5, -1, true}));
}

TEST(TextSource, TripletsAreTuples) {
  TextFolder folder;
  const TextSet set = open_text_file(folder.write("t.tsv", "a\tp\tn\nb\tq\ta\n"), TextFormat::kTriplets);
  EXPECT_THAT(set.tuples, ElementsAre(Tuple{0, 1, 2, true}, Tuple{3, 4, 5, true}));
  EXPECT_THAT(message_of<DataError>([&] {
                open_text_file(folder.write("u.tsv", "a\tp\tn\nb\tq\tb\n"), TextFormat::kTriplets);
              }),
              HasSubstr("u.tsv:2"));
}

TEST(TextSource, QueriesHaveAnyNumberOfNegatives) {
  TextFolder folder;
  for (const std::string& path :
       {folder.write("q.tsv", "query\tpositive\tnegative_1\tnegative_2\nq\tp\tm\tn\nr\to\tp\tk\n"),
        folder.write("q.jsonl",
                     "{\"query\":\"q\",\"positive\":\"p\",\"negatives\":[\"m\",\"n\"]}\n"
                     "{\"query\":\"r\",\"positive\":\"o\",\"negatives\":[\"p\",\"k\",\"z\"]}\n")}) {
    const TextSet set = open_text_file(path, TextFormat::kQueries);
    EXPECT_TRUE(set.row_is_unit);
    EXPECT_EQ(set.texts_per_row, 4);
    EXPECT_THAT(all_texts(set), ElementsAre("q", "p", "m", "n", "r", "o", "p", "k"));
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < 8; ++i) labels.push_back(set.texts->label(i));
    EXPECT_THAT(labels, ElementsAre(0, 0, 1, 2, 3, 3, 4, 5));
    EXPECT_EQ(set.texts->classes(), 6);
    // "p" is a positive here and a negative there: never a negative of its own query.
    EXPECT_EQ(set.texts->group(0), set.texts->group(4));
    EXPECT_NE(set.texts->group(3), set.texts->group(4));
  }
  EXPECT_THAT(
      message_of<DataError>([&] {
        open_text_file(
            folder.write("few.tsv", "query\tpositive\tnegative_1\tnegative_2\nq\tp\tm\tn\nr\to\tp\t\n"),
            TextFormat::kQueries);
      }),
      HasSubstr("few.tsv:3"));
}

TEST(TextSource, AQuotedColumnMayHoldLineBreaks) {
  TextFolder folder;
  TextSource source;
  source.path = folder.write("a.csv", "text,label\n\"two\nlines\",x\n5\" nail,x\nthird,y\n");
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }),
              AllOf(HasSubstr("a.csv:2"), HasSubstr("from line 2"), HasSubstr("data.text.multiline: true")));
  source.bad_records = {OnBadRecord::kSkip, 0.5};
  EXPECT_EQ(open_texts(source).bad, 2);  // lines
  EXPECT_THAT(all_texts(open_texts(source)), ElementsAre("5\" nail", "third"));
  source.layout.multiline = true;
  const TextSet set = open_texts(source);
  EXPECT_THAT(all_texts(set), ElementsAre("two\nlines", "5\" nail", "third"));
  EXPECT_EQ(set.texts->key(1), "a.csv:4");
}

TEST(TextSource, ManyFilesInOrder) {
  TextFolder folder;
  folder.write("x-1.tsv", "a\t1\n");
  folder.write("x-2.tsv", "b\t2\n");
  EXPECT_THAT(all_texts(open_text_file(folder.path("x-{1,2}.tsv"), TextFormat::kLabels)),
              ElementsAre("a", "b"));
}

TEST(TextSource, BadRowsAreNamedOrSkippedUpToALimit) {
  TextFolder folder;
  std::string rows = "a\tx\n\xFF\xFE\tx\nb\tx\nlonely\nc\ty\n";
  TextSource source;
  source.path = folder.write("bad.tsv", rows);
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }),
              AllOf(HasSubstr("texts: "), HasSubstr("bad.tsv:2: expected"),
                    HasSubstr("; convert the file, as iconv -f LATIN1 -t UTF-8 does")));
  source.bad_records = {OnBadRecord::kSkip, 0.5};
  const TextSet set = open_texts(source);
  EXPECT_THAT(all_texts(set), ElementsAre("a", "b", "c"));
  EXPECT_EQ(set.bad, 2);
  EXPECT_THAT(set.messages.at(0), HasSubstr("expected UTF-8"));
  EXPECT_THAT(set.messages.at(1), HasSubstr("bad.tsv:4"));
  source.bad_records = {OnBadRecord::kSkip, 0.1};
  const std::string too_many = message_of<DataError>([&] { open_texts(source); });
  EXPECT_THAT(too_many, HasSubstr("at most 1 of 5 records"));
  EXPECT_EQ(too_many.find('\n'), std::string::npos);
  // A whole file of the kind is no page of reasons.
  std::string latin;
  for (int n = 0; n < 50; ++n) latin += "caf\xe9 " + std::to_string(n) + "\tx\n";
  source.path = folder.write("latin.tsv", latin);
  const std::string error = message_of<DataError>([&] { open_texts(source); });
  EXPECT_THAT(error, AllOf(HasSubstr("latin.tsv:3"), Not(HasSubstr("latin.tsv:4")), HasSubstr("iconv")));
}

TEST(TextSource, AStrayQuoteLosesALineAndNoMore) {
  TextFolder folder;
  std::string rows = "text,label\n";
  for (int n = 0; n < 500; ++n)
    rows += std::string(n == 200 ? "\"" : "") + "text " + std::to_string(n) + ",k\n";
  TextSource source;
  source.path = folder.write("quote.csv", rows);
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }), HasSubstr("quote.csv:202"));
  source.bad_records = {OnBadRecord::kSkip, 0.01};
  for (const bool multiline : {false, true}) {
    source.layout.multiline = multiline;
    const TextSet set = open_texts(source);
    EXPECT_EQ(set.rows, 499);
    EXPECT_EQ(set.bad, 1);
    EXPECT_EQ(set.texts->get(200), "text 201");
    EXPECT_THAT(set.texts->left_out().sentences(),
                ElementsAre(AllOf(HasSubstr("1 line without a row"), HasSubstr("quote.csv:202"))));
  }
}

TEST(TextSource, WhereEveryLineIsLeftOutTheReasonIsReported) {
  TextFolder folder;
  TextSource source;
  source.bad_records = {OnBadRecord::kSkip, 1};
  for (const auto& [content, reason] : std::vector<std::pair<std::string, std::string>>{
           {"text,label\n\"a\" ,x\n\"b\" ,y\n", "behind a closing quote"},
           {"text,label\n\"a,x\n", "closing quote"},
           {"text,label\na,\nb,\n", "'label', got nothing"},
           {"text,label\na,\xff\n", "UTF-8"},
           {std::string("text,label\na\0,x\n", 16), "a byte 0"}}) {
    source.path = folder.write("all.csv", content);
    EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }),
                AllOf(HasSubstr("expected rows"), HasSubstr("all.csv:2"), HasSubstr(reason)));
  }
}

TEST(TextSource, ATextFileIsOneTextALine) {
  TextFolder folder;
  const std::string path = folder.write("a.txt", "text\nbana\tdeki folo\nbana\n\n\"quoted\r\n");
  const TextSet set = open_text_file(path, TextFormat::kTexts);
  EXPECT_THAT(all_texts(set), ElementsAre("text", "bana\tdeki folo", "bana", "\"quoted"));
  EXPECT_EQ(set.texts->key(3), "a.txt:5");
  EXPECT_THAT(message_of<DataError>([&] { open_text_file(path, TextFormat::kLabels); }),
              HasSubstr("name a table *.tsv"));
}

TEST(TextSource, ATextIsNoNegativeOfItself) {
  TextFolder folder;
  TextSource source;
  source.layout.format = TextFormat::kPairs;
  source.path = folder.write("p.tsv", "a\tb\t1\nc\tc\t0\nd\td\t1\n");
  const TextSet set = open_texts(source);
  EXPECT_EQ(set.bad, 0);
  EXPECT_EQ(set.tuples.size(), 2U);
  EXPECT_THAT(all_texts(set), ElementsAre("a", "b", "d", "d"));
  EXPECT_THAT(set.texts->left_out().sentences(),
              ElementsAre(AllOf(HasSubstr("1 pair of a text with itself"), HasSubstr("p.tsv:2"))));
  source.layout.same_from = 0.5;
  EXPECT_EQ(open_texts(source).tuples.size(), 2U);
  source.path = folder.write("none.tsv", "c\tc\t0\n");
  EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }), HasSubstr("none.tsv:1"));
}

TEST(TextSource, WhatIsLeftOutIsReported) {
  TextFolder folder;
  folder.write("q.jsonl",
               "{\"query\":\"q\",\"positive\":\"p\",\"negatives\":[\"m\"]}\n"
               "{\"query\":\"r\",\"positive\":\"o\",\"negatives\":[\"n\",\"k\",\"z\"]}\n");
  folder.write("q.tsv", "q\tp\tm\nr\to\tn\tk\tz\n");
  for (const char* name : {"q.jsonl", "q.tsv"})
    EXPECT_THAT(
        open_text_file(folder.path(name), TextFormat::kQueries).texts->left_out().sentences(),
        ElementsAre(AllOf(HasSubstr("2 negatives beyond the 1 that the first row has"), HasSubstr(":2"))));
  TextSource source;
  source.path = folder.path("q.jsonl");
  source.layout.format = TextFormat::kQueries;
  source.layout.negatives = 1;
  EXPECT_TRUE(open_texts(source).texts->left_out().empty());
}

TEST(TextSource, HostileFilesAreErrorsNotCrashes) {
  TextFolder folder;
  const auto error = [&](const std::string& name, const std::string& content, TextFormat format) {
    const std::string path = folder.write(name, content);
    return message_of<DataError>([&] { open_text_file(path, format); });
  };
  EXPECT_THAT(error("e.tsv", "", TextFormat::kLabels), HasSubstr("e.tsv"));
  EXPECT_THAT(error("e.jsonl", "{\"text\":\"a\",\"label\":\"b\"}\n[1]\n", TextFormat::kLabels),
              HasSubstr("e.jsonl:2"));
  EXPECT_THAT(error("k.jsonl", "{\"txt\":\"a\",\"label\":\"b\"}\n", TextFormat::kLabels),
              HasSubstr("got label, txt"));
  EXPECT_THAT(
      error("d.jsonl", "{\"text\":\"a\",\"label\":\"b\"}\n" + std::string(200000, '['), TextFormat::kLabels),
      HasSubstr("d.jsonl:2"));
  EXPECT_THAT(error("n.jsonl", "{\"text\":null,\"label\":\"b\"}\n", TextFormat::kLabels),
              HasSubstr("got null"));
  EXPECT_THAT(error("q.csv", "text,label\n\"open,x\nb,y\n", TextFormat::kLabels), HasSubstr("closing quote"));
  EXPECT_THAT(error("l.tsv", "a\tx\n" + std::string(5 << 20, 'y') + "\tz\n", TextFormat::kLabels),
              HasSubstr("at most 4 MiB"));
  EXPECT_THAT(error("s.tsv", "a\tb\tvery\n", TextFormat::kPairs), HasSubstr("expected a number"));
  EXPECT_THAT(error("s2.tsv", "a\tb\tnan\n", TextFormat::kPairs), HasSubstr("expected a number"));
  EXPECT_THROW(open_text_file(folder.write("c.tsv", "a\tb\n"), TextFormat::kLabels, {"text"}), ConfigError);
  EXPECT_THAT(message_of<DataError>([&] {
                open_text_file(folder.path("c.tsv"), TextFormat::kLabels, {"text", "intent"});
              }),
              HasSubstr("none named text, intent"));
}

TEST(TextSource, AColumnWithoutTextIsNamed) {
  TextFolder folder;
  const auto error = [&](const std::string& name, const std::string& content) {
    const std::string path = folder.write(name, content);
    return message_of<DataError>([&] { open_text_file(path, TextFormat::kLabels); });
  };
  EXPECT_THAT(error("a.csv", "text,Label\na,\n"), HasSubstr("a text in the column 'Label', got nothing;"));
  EXPECT_THAT(error("b.csv", "label,text\n ,a\n"),
              HasSubstr("a text in the column 'label', got nothing but blanks"));
  EXPECT_THAT(error("c.tsv", "a\tx\nb\t \n"), HasSubstr("a text in column 2, got nothing but blanks"));
  EXPECT_THAT(error("d.jsonl", "{\"label\":\" \",\"text\":\"a\"}\n"),
              HasSubstr("a text under the key 'label', got nothing but blanks"));
}

TEST(TextSource, TextsOfBlanksAloneAreBadRecords) {
  TextFolder folder;
  TextSource source;
  for (const std::string blank :
       {" ", " \t ", "\u00a0", "\u200b\u200b", "\ufeff\u2060", "\u3000", "\u00ad", "\u2800", "\u3164"}) {
    source.path = folder.write("a.csv", "text,label\na,x\n" + blank + ",x\nb,y\n");
    source.bad_records = {};
    EXPECT_THAT(message_of<DataError>([&] { open_texts(source); }),
                AllOf(HasSubstr("a.csv:3: expected a text in the column 'text', got nothing but blanks"),
                      HasSubstr("; correct or remove the line")))
        << blank;
    source.bad_records = {OnBadRecord::kSkip, 0.5};
    const TextSet set = open_texts(source);
    EXPECT_THAT(all_texts(set), ElementsAre("a", "b")) << blank;
    EXPECT_EQ(set.bad, 1);
  }
  source.path =
      folder.write("b.jsonl", "{\"text\":\"a\",\"label\":\"\\u00a0\"}\n{\"text\":\"b\",\"label\":\"y\"}\n");
  EXPECT_EQ(open_texts(source).rows, 1) << "a class of that name";
  source.path = folder.write("c.csv", "text,label\n a\u00a0,x\n\u0301,y\n\u00bf,z\n");
  EXPECT_EQ(open_texts(source).rows, 3) << "what shows something";
}

TEST(TextSource, AFileThatChangesIsNoticed) {
  TextFolder folder;
  const std::string path = folder.write("a.tsv", "one\tx\ntwo\ty\n");
  const TextSet set = open_text_file(path, TextFormat::kLabels);
  folder.write("a.tsv", "uno\tx\ntwo\ty\n");
  EXPECT_THAT(message_of<DataError>([&] { set.texts->get(0); }), HasSubstr("a.tsv:1"));
  EXPECT_EQ(set.texts->get(1), "two");
}

}  // namespace
}  // namespace lodestone
