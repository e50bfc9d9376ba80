// Samples that a user names for a model, and what rows store of them.
#include "trainer/run/data_kinds/input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "sampler/codecs/thumbnail.h"
#include "support/images.h"
#include "support/texts.h"
#include "trainer/run/run_config.h"

namespace lodestone::testing {
using namespace run;
namespace {

using ::testing::HasSubstr;

class ForCaptions : public ::testing::Test {
 protected:
  ForCaptions() {
    write_png(path("a.png"), drawn_image(1, 2, 80, 60));
    write_png(path("b.png"), drawn_image(3, 4));
    write_bytes(path("captions.tsv"), "a.png\ta red <dog>\na.png\tan animal\nb.png\ta blue cat\n");
    write_bytes(path("list.csv"), "path,label\na.png,dog\nb.png,cat\n");
    write_bytes(path("no.tsv"), "missing.png\ta caption\n");
    read_run_config(parse_yaml("data: {kind: image_texts, root: " + folder_.path().string() + "}\n" +
                                   "sampler: {name: two_views}\nevaluate: {data: {path: captions.tsv}}\n",
                               "run.yaml"),
                    {}, "run", config_);
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  TempFolder folder_;
  RunConfig config_{Tables()};
};

TEST_F(ForCaptions, RowsHoldTheFirstCaptionBesideTheThumbnail) {
  for (const std::string& named : {std::string(), path("captions.tsv")}) {
    const Input input = open_input(config_, named);
    ASSERT_EQ(input.dataset().size(), 2);
    EXPECT_TRUE(input.has_text());
    const search::EmbeddedRow row = input.row(0, {.thumbnail_side = 32});
    EXPECT_EQ(row.id, "a.png");
    EXPECT_EQ(row.label, "");
    EXPECT_EQ(row.text, "a red <dog>");
    EXPECT_STREQ(sampler::thumbnail_type(row.thumbnail), "image/webp");
    EXPECT_EQ(input.row(1, {.text = false}), search::EmbeddedRow{"b.png"});
  }
}

TEST_F(ForCaptions, ImagesNeedNoCaptions) {
  const Input listed = open_input(config_, path("list.csv"));
  EXPECT_EQ(listed.row(0).label, "dog");
  EXPECT_FALSE(listed.has_text());
  EXPECT_EQ(open_input(config_, path("a.png")).row(0).text, "");
  EXPECT_EQ(open_input(config_, path("")).dataset().size(), 2);
}

TEST_F(ForCaptions, TheErrorIsThatOfCaptions) {
  EXPECT_THAT(message_of<DataError>([&] { open_input(config_, path("no.tsv")); }),
              HasSubstr("captions: expected an image"));
}

TEST(NamesAFile, IfItHasTheEndingOrTheFormOfAPath) {
  for (const char* word : {"questions.txt", "a.PNG", "my photos/a.jpeg", "b.csv", "c.tsv", "d.jsonl",
                           "wrong/questions", "/tmp/my photos", "./a b", "../x", "~/y", "photos/"})
    EXPECT_TRUE(names_a_file(word)) << word;
  for (const char* word :
       {"where is my card", "is it open 24/7 at night", "version 1.5", "e.g. this", "card"})
    EXPECT_FALSE(names_a_file(word)) << word;
}

TEST(RowPlace, IsAbsoluteAndStaysAsItIs) {
  EXPECT_EQ(row_place("/data/photos", "ada/1.png"), "/data/photos/ada/1.png");
  EXPECT_EQ(row_place("", "/data/photos/ada/1.png"), "/data/photos/ada/1.png");
  EXPECT_EQ(row_place("/data/photos", "/data/./photos/ada/1.png"), "/data/photos/ada/1.png");
}

// A text without a class has no label, whatever its place is called.
TEST(TextRows, HaveALabelOnlyIfTheyHaveAClass) {
  const TextFolder folder;
  const std::string vocabulary =
      folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwhere\ncard\n");
  const auto labels = [&](const std::string& format, const std::string& name, const std::string& content) {
    RunConfig config{Tables()};
    read_run_config(
        parse_yaml("data: {kind: texts, text: {tokenizer: {path: " + vocabulary +
                       "}}}\nencoder: {name: bag_of_tokens}\nevaluate: {data: {path: x}, text: {format: " +
                       format + "}}\n",
                   "run.yaml"),
        {}, "run", config);
    const Input input = open_input(config, folder.write(name, content));
    std::vector<std::string> all;
    for (int64_t i = 0; i < input.dataset().size(); ++i) all.push_back(input.row(i).label);
    return all;
  };
  using Labels = std::vector<std::string>;
  EXPECT_EQ(labels("labels", "lines.txt", "where\ncard\nwhere\n"), (Labels{"", "", ""}));
  EXPECT_EQ(labels("pairs", "pairs.tsv", "where\tcard\ncard\twhere\n"), (Labels{"", "", "", ""}));
  EXPECT_EQ(labels("labels", "named.tsv", "where\tquestion\ncard\tthing\n"), (Labels{"question", "thing"}));
}

}  // namespace
}  // namespace lodestone::testing
