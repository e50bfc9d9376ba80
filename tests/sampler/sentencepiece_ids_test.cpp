// Whose numbers the pieces of a SentencePiece model have.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include "common/error.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/tokenizer_family.h"
#include "sampler/tokenizers/train_sentencepiece.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TextFolder;

class Sentences : public sentencepiece::SentenceIterator {
 public:
  bool done() const override { return n_ > 300; }
  void Next() override {
    text_ = "sentence number " + std::to_string(++n_ * 7919 % 1000) + " speaks of apples and of pears";
  }
  const std::string& value() const override { return text_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  int n_ = 0;
  std::string text_ = "apples";
};

/// A model with the library's default marks, as XLM-R's: <unk>, <s>, </s>, no padding.
const std::string& default_model() {
  static const std::string model = [] {
    std::string bytes;
    Sentences sentences;
    const auto status = sentencepiece::SentencePieceTrainer::Train(
        {{"vocab_size", "60"}, {"num_threads", "1"}, {"minloglevel", "2"}}, &sentences, &bytes);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return bytes;
  }();
  return model;
}

class PieceNumbers : public ::testing::Test {
 protected:
  std::shared_ptr<const Tokenizer> opened(PieceIds ids, const std::string& name = "x.model",
                                          const std::string& model = default_model()) const {
    TokenizerConfig config;
    config.path = folder_.write(name, model);
    config.ids = ids;
    return open_tokenizer(config);
  }
  std::string refusal(PieceIds ids, const std::string& name = "x.model",
                      const std::string& model = default_model()) const {
    return message_of<ConfigError>([&] { opened(ids, name, model); });
  }
  TextFolder folder_;
};

std::string padded_model() {
  int n = 0;
  return train_sentencepiece(
      [&]() -> std::optional<std::string> {
        if (++n > 300) return {};
        return "sentence number " + std::to_string(n * 7919 % 1000) + " speaks of apples and of pears";
      },
      60);
}

// Hugging Face's XLMRobertaTokenizer, by hand: <s> 0, <pad> 1, </s> 2, <unk> 3; each other piece a place
// later; <mask> last.
TEST_F(PieceNumbers, AreHuggingFacesForXlmRoberta) {
  sentencepiece::SentencePieceProcessor pieces;
  ASSERT_TRUE(pieces.LoadFromSerializedProto(default_model()).ok());
  const auto tokenizer = opened(PieceIds::kXlmRoberta);
  for (const std::string text :
       {"apples and pears", "", "Ωmega of apples", "sentence number 17", "</s> <pad> <mask>"}) {
    std::vector<int> own;
    ASSERT_TRUE(pieces.Encode(text, &own).ok());
    std::vector<int64_t> expected{0};
    for (const int piece : own) expected.push_back(piece == 0 ? 3 : piece + 1);
    expected.push_back(2);
    EXPECT_EQ(tokenizer->encode(text, 512), expected) << text;
    for (size_t i = 0; i < own.size(); ++i)
      EXPECT_EQ(tokenizer->token(expected[i + 1]), pieces.IdToPiece(own[i])) << text;
  }
  EXPECT_EQ(tokenizer->vocabulary(), pieces.GetPieceSize() + 2);
  EXPECT_EQ(tokenizer->padding(), 1);
  std::string marks;
  for (const int64_t id : {int64_t{0}, int64_t{1}, int64_t{2}, int64_t{3}, tokenizer->vocabulary() - 1})
    marks += tokenizer->token(id);
  EXPECT_EQ(marks, "<s><pad></s><unk><mask>");
  EXPECT_THROW(tokenizer->token(tokenizer->vocabulary()), std::out_of_range);
  EXPECT_EQ(tokenizer->encode("apples and pears and apples", 5).size(), 5U);
}

TEST_F(PieceNumbers, AreTheModelsOwnWhereThatIsAsked) {
  sentencepiece::SentencePieceProcessor pieces;
  ASSERT_TRUE(pieces.LoadFromSerializedProto(default_model()).ok());
  const auto tokenizer = opened(PieceIds::kSentencePiece);
  EXPECT_EQ(tokenizer->encode("apples", 64)[0], pieces.bos_id());
  EXPECT_EQ(tokenizer->vocabulary(), pieces.GetPieceSize());
}

TEST_F(PieceNumbers, InDoubtMustBeSaid) {
  EXPECT_THAT(refusal(PieceIds::kAuto),
              AllOf(HasSubstr("<unk>, <s>, </s>"), HasSubstr("xlm_roberta"), HasSubstr("sentencepiece")));
  EXPECT_NO_THROW(opened(PieceIds::kAuto, "p.model", padded_model()));
  EXPECT_THAT(refusal(PieceIds::kXlmRoberta, "p.model", padded_model()), HasSubstr("<pad>, <unk>, <s>"));
  EXPECT_THAT(refusal(PieceIds::kAuto, "sentencepiece.bpe.model", padded_model()),
              HasSubstr("sentencepiece.bpe.model"));
}

// By hand after Hugging Face's CamembertTokenizer and MBartTokenizer.
TEST_F(PieceNumbers, AreThoseOfTheFamilyThatTheFilesBesideTheModelName) {
  sentencepiece::SentencePieceProcessor pieces;
  ASSERT_TRUE(pieces.LoadFromSerializedProto(default_model()).ok());
  const std::string text = "apples \u03a9 and pears";
  std::vector<int> own;
  ASSERT_TRUE(pieces.Encode(text, &own).ok());
  const int64_t size = pieces.GetPieceSize();
  struct Family {
    const char *file, *json;
    int64_t offset, count;
    std::vector<int64_t> before, after;
    const char *first, *last;
  };
  for (const Family& family :
       {Family{"tokenizer_config.json",
               R"({"tokenizer_class": "XLMRobertaTokenizerFast"})",
               1,
               size + 2,
               {0},
               {2},
               "<s>",
               "<mask>"},
        Family{"config.json", R"({"model_type": "xlm-roberta"})", 1, size + 2, {0}, {2}, "<s>", "<mask>"},
        Family{"config.json",
               R"({"model_type": "bert", "tokenizer_class": "XLMRobertaTokenizer"})",
               1,
               size + 2,
               {0},
               {2},
               "<s>",
               "<mask>"},
        Family{
            "config.json", R"({"model_type": "camembert"})", 4, size + 5, {5}, {6}, "<s>NOTUSED", "<mask>"},
        Family{"config.json", R"({"model_type": "mbart"})", 1, size + 27, {}, {2, size + 4}, "<s>", "<mask>"},
        Family{"tokenizer_config.json",
               R"({"tokenizer_class": "MBartTokenizer", "src_lang": "ar_AR"})",
               1,
               size + 27,
               {},
               {2, size + 1},
               "<s>",
               "<mask>"}}) {
    folder_.write(family.file, family.json);
    const auto tokenizer = opened(PieceIds::kAuto);
    std::vector<int64_t> expected = family.before;
    for (const int piece : own) expected.push_back(piece == 0 ? 3 : piece + family.offset);
    expected.insert(expected.end(), family.after.begin(), family.after.end());
    EXPECT_EQ(tokenizer->encode(text, 64), expected) << family.json;
    EXPECT_EQ(tokenizer->vocabulary(), family.count) << family.json;
    EXPECT_EQ(tokenizer->padding(), 1) << family.json;
    EXPECT_EQ(tokenizer->token(0), family.first) << family.json;
    EXPECT_EQ(tokenizer->token(family.count - 1), family.last) << family.json;
    EXPECT_EQ(tokenizer->token(own.back() + family.offset), pieces.IdToPiece(own.back())) << family.json;
    std::filesystem::remove(folder_.path(family.file));
  }
  folder_.write("tokenizer_config.json", R"({"tokenizer_class": "MBartTokenizer", "src_lang": "xx_XX"})");
  EXPECT_THAT(refusal(PieceIds::kAuto), AllOf(HasSubstr("src_lang"), HasSubstr("xx_XX")));
}

TEST_F(PieceNumbers, OfOtherFamiliesAreRefused) {
  struct Said {
    const char *file, *text, *answer;
  };
  for (const Said& said :
       {Said{"config.json", R"({"model_type": "xlnet"})", "xlnet"},
        Said{"tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer"})", "LlamaTokenizer"},
        Said{"config.json", R"({"model_type": "mbart", "tokenizer_class": "MBart50Tokenizer"})", "MBart50"},
        Said{"tokenizer_config.json", R"({"tokenizer_class": "NllbTokenizer"})", "NllbTokenizer"}}) {
    folder_.write(said.file, said.text);
    EXPECT_THAT(refusal(PieceIds::kAuto, "p.model", padded_model()), HasSubstr(said.answer)) << said.text;
    EXPECT_NO_THROW(opened(PieceIds::kSentencePiece, "p.model", padded_model()));
    std::filesystem::remove(folder_.path(said.file));
  }
  for (const char* text : {R"({"model_type": "t5"})", R"({"tokenizer_class": "AlbertTokenizer"})",
                           R"({"model_type": 3})", "{", "[1]", ""}) {
    folder_.write("config.json", text);
    EXPECT_NO_THROW(opened(PieceIds::kAuto, "p.model", padded_model())) << text;
  }
}

TEST_F(PieceNumbers, AreNoSettingOfWordPiece) {
  EXPECT_THAT(refusal(PieceIds::kXlmRoberta, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"),
              HasSubstr("data.text.tokenizer.ids"));
}

}  // namespace
}  // namespace lodestone
