#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "sampler/texts/image_text_examples.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "support/images.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;

/// Images a, b, c and their captions, as a table and as a shard.
class Captions : public testing::TextFolder {
 public:
  Captions() {
    for (const char* name : {"a.png", "b.png", "c.png"})
      testing::write_png(path(name), testing::drawn_image(name[0], 0));
    write("list.tsv", "path\tcaption\nb.png\ta red bar\na.png\ta bar\nb.png\tno bar\nc.png\ta bar\n");
    write_tar("x.tar", {{"a.png", bytes("a.png")},
                        {"a.txt", "a bar\n"},
                        {"b.png", bytes("b.png")},
                        {"b.json", R"({"captions": ["a red bar", "no bar"]})"},
                        {"c.png", bytes("c.png")},
                        {"c.txt", "a bar"}});
  }
  void write_tar(const std::string& name,
                 const std::vector<std::pair<std::string, std::string>>& members) const {
    testing::Tar tar;
    for (const auto& [member, content] : members) tar.add(member, content);
    write(name, tar.finished());
  }
  std::string bytes(const std::string& name) const { return read_file(path(name)); }

  ImageTextSet open(const std::string& name, const BadRecordConfig& bad_records = {}) const {
    ImageSourceConfig source;
    source.path = path(name);
    return open_image_texts(source, {}, bad_records, {});
  }
};

std::vector<std::string> captions_of(const ImageTextSet& set, size_t image) {
  std::vector<std::string> texts;
  for (int64_t n = set.first[image]; n < set.first[image + 1]; ++n)
    texts.push_back(set.captions->get(set.order[static_cast<size_t>(n)]));
  return texts;
}

TEST(ImageTexts, AImageHasAllItsCaptions) {
  const Captions work;
  for (const char* name : {"list.tsv", "x.tar"}) {
    const ImageTextSet set = work.open(name);
    ASSERT_EQ(set.images->size(), 3) << name;
    EXPECT_THAT(captions_of(set, 0), ElementsAre("a bar"));
    EXPECT_THAT(captions_of(set, 1), ElementsAre("a red bar", "no bar"));
    EXPECT_THAT(captions_of(set, 2), ElementsAre("a bar"));
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(set.images->label(i), i);
      EXPECT_EQ(set.images->get(i).pixels, testing::drawn_image('a' + i, 0).pixels);
    }
    for (int64_t i = 0; i < set.captions->size(); ++i)
      EXPECT_THAT(captions_of(set, static_cast<size_t>(set.captions->label(i))),
                  ::testing::Contains(set.captions->get(i)));
  }
}

TEST(ImageTexts, ErrorsNameTheRowOrTheMember) {
  const Captions work;
  work.write("bad.tsv", "path\tcaption\na.png\tx\nnone.png\ty\n");
  EXPECT_THAT(message_of<DataError>([&] { work.open("bad.tsv"); }), HasSubstr("bad.tsv:3"));
  work.write("up.tsv", "path\tcaption\n../a.png\tx\n");
  EXPECT_THAT(message_of<DataError>([&] { work.open("up.tsv"); }),
              HasSubstr("below the list's folder, got '../"));
  work.write_tar("half.tar", {{"a.png", work.bytes("a.png")}});
  EXPECT_THAT(message_of<DataError>([&] { work.open("half.tar"); }), HasSubstr("for key 'a'"));
  work.write_tar("json.tar", {{"a.png", work.bytes("a.png")}, {"a.json", "{\"caption\": 3}"}});
  EXPECT_THAT(message_of<DataError>([&] { work.open("json.tar"); }), HasSubstr("a.json (offset"));
  work.write_tar("blank.tar", {{"a.png", work.bytes("a.png")}, {"a.txt", "\n"}});
  EXPECT_THAT(message_of<DataError>([&] { work.open("blank.tar"); }), HasSubstr("a.txt (offset"));
}

TEST(ImageTexts, BadCaptionsAreSkippedWithinTheLimit) {
  const Captions work;
  const std::string png = work.bytes("a.png");
  work.write_tar("bad.tar", {{"0.png", png},
                             {"0.json", R"({"caption": null})"},
                             {"1.png", png},
                             {"1.txt", "a bar"},
                             {"2.png", png},
                             {"2.json", "{"},
                             {"3.png", png},
                             {"3.TXT", "\xFF\xFE"},
                             {"4.png", png},
                             {"4.json", R"({"captions": ["a", null]})"},
                             {"5.png", png},
                             {"5.txt", " \n"},
                             {"6.png", png},
                             {"6.JSON", R"({"caption": "no bar"})"}});
  EXPECT_THAT(message_of<DataError>([&] { work.open("bad.tar"); }), HasSubstr("0.json (offset"));
  const ImageTextSet set = work.open("bad.tar", {OnBadRecord::kSkip, 0.8});
  ASSERT_EQ(set.images->size(), 2);
  EXPECT_THAT(captions_of(set, 0), ElementsAre("a bar"));
  EXPECT_THAT(captions_of(set, 1), ElementsAre("no bar"));
  EXPECT_EQ(set.bad, 5);
  ASSERT_EQ(set.messages.size(), 5U);
  EXPECT_THAT(set.messages[2], HasSubstr("3.TXT"));
  EXPECT_THAT(message_of<DataError>([&] {
                work.open("bad.tar", {OnBadRecord::kSkip, 0.6});
              }),
              HasSubstr("at most 4 of 7"));
}

TEST(ImageTexts, MembersAreGroupedAsInShardsWithClasses) {
  const Captions work;
  const std::string png = work.bytes("a.png");
  work.write_tar("x.tar", {{"._0.png", "junk"},
                           {"._0.txt", "junk"},
                           {"0.seg.png", "no image"},
                           {"0.PNG", png},
                           {"0.Txt", "a bar"},
                           {"0.cls", "3"}});
  const ImageTextSet set = work.open("x.tar");
  ASSERT_EQ(set.images->size(), 1);
  EXPECT_EQ(set.images->get(0).pixels, testing::drawn_image('a', 0).pixels);
  EXPECT_EQ(set.images->left_out().count(), 4);
  EXPECT_THAT(set.images->left_out().sentences()[0], HasSubstr("x.tar!"));
}

TEST(ImageTexts, TheMarkOfSomeEditorsIsNoPartOfACaption) {
  const Captions work;
  work.write_tar("x.tar", {{"0.png", work.bytes("a.png")},
                           {"0.txt",
                            "\xEF\xBB\xBF"
                            "a bar\r\n"},
                           {"1.png", work.bytes("b.png")},
                           {"1.json", "\xEF\xBB\xBF{\"caption\": \"a bar\"}"}});
  const ImageTextSet set = work.open("x.tar");
  for (const size_t image : {0U, 1U}) EXPECT_THAT(captions_of(set, image), ElementsAre("a bar"));
}

TEST(ImageTexts, AMissingImageOfAListIsABadRecordOfWhoReadsIt) {
  const Captions work;
  work.write("gone.tsv", "path\tcaption\na.png\tx\nnone.png\ty\n");
  const ImageTextSet set = work.open("gone.tsv", {OnBadRecord::kSkip, 0.5});
  ASSERT_EQ(set.images->size(), 2);
  EXPECT_EQ(set.images->get(0).width, 12);
  EXPECT_THROW(set.images->get(1), DataError);
  work.write("up.tsv", "path\tcaption\n../a.png\tx\n");
  EXPECT_THROW(work.open("up.tsv", {OnBadRecord::kSkip, 0.5}), DataError);
  work.write("out.tsv", "path\tcaption\na.png\tx\n../a.png\ty\n/etc/passwd\tz\n~/a.png\tu\na.png\tv\n");
  const ImageTextSet kept = work.open("out.tsv", {OnBadRecord::kSkip, 0.7});
  EXPECT_EQ(kept.rows, 2);
  EXPECT_EQ(kept.bad, 3);
  EXPECT_THAT(kept.messages[0], HasSubstr("out.tsv:3"));
}

TEST(ImageTextExamples, APairIsBadAsAWholeWhicheverSideIsAskedFor) {
  const Captions work;
  TokenizerConfig config;
  config.path = work.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nbar\nred\nno\n");
  const std::string png = work.bytes("a.png");
  work.write_tar("cut.tar",
                 {{"0.png", png.substr(0, 40)}, {"0.txt", "a bar"}, {"1.png", png}, {"1.txt", "no bar"}});
  const ImageTextExamples examples(work.open("cut.tar"), ImageTransform({}), {open_tokenizer(config), 16}, 7);
  const auto builder = examples.builder(4);
  EXPECT_THROW(builder->add(0, {0, 0, 0, false}), DataError);
  EXPECT_THROW(builder->add(0, {0, 0, 1, false}), DataError);  // as a rank that has the caption alone
  builder->add(1, {0, 0, 1, false});
  builder->add(1, {0, 0, 0, false});
  const Features features = builder->finish();
  EXPECT_EQ(features.rows(), 2);
  EXPECT_EQ(features.pixels_nCHW.size(0), 1);
}

TEST(ImageTextExamples, ViewsAreImageAndCaption) {
  const Captions work;
  TokenizerConfig config;
  config.path = work.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nbar\nred\nno\n");
  ImageTransformConfig shape;
  shape.width = shape.height = 8;
  const ImageTextExamples examples(work.open("list.tsv"), ImageTransform(shape), {open_tokenizer(config), 16},
                                   7);
  const auto builder = examples.builder(4);
  builder->add(1, {0, 0, 0, false});
  builder->add(1, {0, 0, 1, false});
  builder->add(0, {0, 0, 1, false});
  builder->add(0, {0, 0, 0, false});
  const Features features = builder->finish();
  EXPECT_EQ(features.rows(), 4);
  EXPECT_EQ(features.pixels_nCHW.sizes(), (std::vector<int64_t>{2, 1, 8, 8}));
  EXPECT_EQ(features.tokens_nT.sizes(), (std::vector<int64_t>{2, 5}));
  EXPECT_EQ(features.tokens_nT[0].sum().item<int64_t>(), 2 + 4 + 6 + 5 + 3);  // [CLS] a red bar [SEP]
  EXPECT_EQ(features.tokens_nT[1][4].item<int64_t>(), 0);
  EXPECT_FALSE(features.mask_nT[1][4].item<bool>());
  EXPECT_TRUE(features.mask_nT[1][3].item<bool>());
  const bool* is_text = features.is_text_b.const_data_ptr<bool>();
  EXPECT_THAT(std::vector<bool>(is_text, is_text + 4), ElementsAre(false, true, true, false));

  const Features none = examples.builder(0)->finish();
  EXPECT_EQ(none.rows(), 0);
  EXPECT_EQ(none.tokens_nT.size(0), 0);
}

TEST(ImageTextExamples, TheCaptionIsDrawnByEpochAndImage) {
  const Captions work;
  TokenizerConfig config;
  config.path = work.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nbar\nred\nno\n");
  const ImageTextExamples examples(work.open("list.tsv"), ImageTransform({}), {open_tokenizer(config), 16},
                                   7);
  const auto drawn = [&](int64_t epoch, int64_t position) {
    const auto builder = examples.builder(1);
    builder->add(1, {epoch, position, 1, true});
    return builder->finish().tokens_nT.sum().item<int64_t>();
  };
  std::set<int64_t> seen;
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    seen.insert(drawn(epoch, 0));
    EXPECT_EQ(drawn(epoch, 0), drawn(epoch, 5));
  }
  EXPECT_EQ(seen.size(), 2u);
}

}  // namespace
}  // namespace lodestone
