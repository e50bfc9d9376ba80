#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/yaml.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/train_sentencepiece.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "support/table_rows.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TextFolder;

const std::string kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\n##a\n,\n[\n]\nsep\n##p\nthe\n";

std::shared_ptr<const Tokenizer> small(const TextFolder& folder) {
  TokenizerConfig config;
  config.path = folder.write("vocab.txt", kVocabulary);
  return open_tokenizer(config);
}

std::vector<std::string> tokens(const Tokenizer& tokenizer, const std::string& text, int64_t most = 512) {
  std::vector<std::string> names;
  for (const int64_t id : tokenizer.encode(text, most)) names.push_back(tokenizer.token(id));
  return names;
}

TEST(WordPiece, CoversWordsByTheLongestTokens) {
  TextFolder folder;
  const auto tokenizer = small(folder);
  EXPECT_EQ(tokenizer->vocabulary(), 14);
  EXPECT_EQ(tokenizer->padding(), 0);
  EXPECT_THAT(tokens(*tokenizer, "Unaffable,UN"),
              ElementsAre("[CLS]", "un", "##aff", "##able", ",", "un", "[SEP]"));
  EXPECT_THAT(tokens(*tokenizer, "unaffabl the"), ElementsAre("[CLS]", "[UNK]", "the", "[SEP]"));
  EXPECT_THAT(tokens(*tokenizer, ""), ElementsAre("[CLS]", "[SEP]"));
}

TEST(WordPiece, MarksNeverComeFromTheText) {
  TextFolder folder;
  EXPECT_THAT(tokens(*small(folder), "[SEP]"), ElementsAre("[CLS]", "[", "sep", "]", "[SEP]"));
}

TEST(WordPiece, LongTextsLoseTheirEnd) {
  TextFolder folder;
  const auto tokenizer = small(folder);
  EXPECT_THAT(tokens(*tokenizer, "unaffable un un", 4), ElementsAre("[CLS]", "un", "##aff", "[SEP]"));
  EXPECT_THAT(tokens(*tokenizer, "un", 2), ElementsAre("[CLS]", "[SEP]"));
  EXPECT_EQ(tokenizer->encode(std::string(1 << 20, ','), 64).size(), 64u);
}

TEST(WordPiece, WordsOfMoreThanAHundredCharactersAreUnknown) {
  TextFolder folder;
  const auto tokenizer = small(folder);
  EXPECT_EQ(tokenizer->encode("un" + std::string(98, 'a'), 512).size(), 101u);
  EXPECT_THAT(tokens(*tokenizer, "un" + std::string(99, 'a')), ElementsAre("[CLS]", "[UNK]", "[SEP]"));
}

TEST(WordPiece, BytesThatAreNotUtf8Vanish) {
  TextFolder folder;
  EXPECT_THAT(tokens(*small(folder), "u\xFFn\xC3 \xED\xA0\x80the\xF0\x9F"),
              ElementsAre("[CLS]", "un", "the", "[SEP]"));
}

TEST(Tokenizer, AVocabularyThatIsMissingIsNamedWithItsKeyAndWhatToDo) {
  const TextFolder folder;
  TokenizerConfig config;
  for (const char* name : {"vocab.txt", "pieces.model", ""}) {
    config.path = folder.path(name);
    EXPECT_THAT(message_of<DataError>([&] { open_tokenizer(config); }),
                AllOf(HasSubstr("data.text.tokenizer.path"), HasSubstr(config.path),
                      HasSubstr(*name == 0 ? "no file" : "missing"), HasSubstr("lodestone tokenizer train")));
  }
}

TEST(WordPiece, AVocabularyWithoutItsMarksIsRefused) {
  TextFolder folder;
  TokenizerConfig config;
  EXPECT_THROW(open_tokenizer(config), ConfigError);
  config.path = folder.path("none.txt");
  EXPECT_THROW(open_tokenizer(config), DataError);
  config.path = folder.write("v.txt", "[PAD]\n[UNK]\n[CLS]\n");
  EXPECT_THAT(message_of<DataError>([&] { open_tokenizer(config); }), HasSubstr("a line with [SEP]"));
}

TEST(TokenizerTable, RowsAreConsistentAndSelectedByKindOrFile) {
  testing::expect_named(tokenizer_table());
  for (const TokenizerRow& row : tokenizer_table()) {
    EXPECT_NE(row.open, nullptr) << row.name;
    TokenizerConfig config;
    config.kind = row.name;
    EXPECT_EQ(&tokenizer_row(config), &row);
  }
  TokenizerConfig config;
  for (const auto& [path, name] : {std::pair("a.model", "sentencepiece"), std::pair("vocab.txt", "wordpiece"),
                                   std::pair("tokenizer.json", "huggingface")}) {
    config.path = path;
    EXPECT_STREQ(tokenizer_row(config).name, name);
  }
  const auto read = [&] {
    read_fields(parse_yaml("kind: word_piece", "run.yaml"), [&](Fields& f) { config.visit(f); });
  };
  EXPECT_THAT(message_of<ConfigError>(read), HasSubstr("did you mean 'wordpiece'?"));
}

// Ids that Hugging Face's BertTokenizer gave, by tests/sampler/wordpiece_reference.py.
TEST(WordPiece, EqualsHuggingFaceOnHardCases) {
  std::ifstream in(std::string(LODESTONE_TESTS_FOLDER) + "/sampler/wordpiece_cases.json");
  const auto cases = nlohmann::json::parse(in);
  TextFolder folder;
  std::string vocabulary;
  for (const auto& token : cases["vocabulary"]) vocabulary += token.get<std::string>() + "\n";
  TokenizerConfig config;
  config.path = folder.write("vocab.txt", vocabulary);
  for (const auto& mode : cases["modes"]) {
    config.lower_case = mode["lower_case"];
    config.strip_accents = *choice_named(mode["strip_accents"].get<std::string>(), kAutoYesNo);
    const auto tokenizer = open_tokenizer(config);
    for (size_t n = 0; n < cases["texts"].size(); ++n)
      EXPECT_EQ(tokenizer->encode(cases["texts"][n].get<std::string>(), 64),
                mode["ids"][n].get<std::vector<int64_t>>())
          << "text " << n << ": " << cases["texts"][n];
  }
  EXPECT_GT(cases["texts"].size(), 60u);
}

std::vector<std::string> trained(const std::vector<std::string>& texts, int64_t vocabulary) {
  WordPieceTrainer trainer({});
  for (const auto& text : texts) trainer.add(text);
  return trainer.tokens(vocabulary);
}

TEST(WordPieceTrainer, JoinsTheMostFrequentPairFirst) {
  EXPECT_THAT(trained({"hug hug hug pug pug hugs", "bun"}, 23),
              ElementsAre("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "b", "h", "p", "##g", "##n", "##s",
                          "##u", "##ug", "hug", "pug"));
}

TEST(WordPieceTrainer, KeepsToTheVocabularyAndToTheMostFrequentLetters) {
  const auto tokens = trained({"aaaa bbb cc d e f g h i j k l m n o p", "aaaa"}, 20);
  EXPECT_LE(tokens.size(), 20u);
  EXPECT_THAT(tokens, ::testing::Contains("a"));
  EXPECT_THAT(tokens, ::testing::Contains("##a"));
  EXPECT_THROW(trained({"a"}, 8), ConfigError);
  EXPECT_THROW(trained({" ", "\n"}, 100), DataError);
}

TEST(WordPieceTrainer, DoesNotDependOnTheOrderOfTexts) {
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i)
    texts.push_back("w" + std::to_string(i * i % 97) + " v" + std::to_string(i * 31 % 89) + "x" +
                    std::to_string(i % 7));
  const auto tokens = trained(texts, 150);
  std::reverse(texts.begin(), texts.end());
  EXPECT_EQ(trained(texts, 150), tokens);
  EXPECT_EQ(std::set<std::string>(tokens.begin(), tokens.end()).size(), tokens.size());
}

std::string train_small_model() {
  int n = 0;
  return train_sentencepiece(
      [&]() -> std::optional<std::string> {
        if (++n > 300) return {};
        return "sentence number " + std::to_string(n * 7919 % 1000) + " speaks of apples and of pears";
      },
      60);
}

TEST(SentencePiece, TrainsTheSameModelTwiceAndReadsIt) {
  const std::string model = train_small_model();
  EXPECT_EQ(model, train_small_model());
  TextFolder folder;
  TokenizerConfig config;
  config.path = folder.write("small.model", model);
  const auto tokenizer = open_tokenizer(config);
  EXPECT_EQ(tokenizer->vocabulary(), 60);
  EXPECT_EQ(tokenizer->padding(), 0);
  const auto names = tokens(*tokenizer, "apples and pears");
  EXPECT_EQ(names.front(), "<s>");
  EXPECT_EQ(names.back(), "</s>");
  std::string joined;
  for (size_t n = 1; n + 1 < names.size(); ++n) joined += names[n];
  EXPECT_EQ(joined, "▁apples▁and▁pears");
  EXPECT_EQ(tokenizer->encode("apples and pears and apples", 5).size(), 5u);
  EXPECT_THAT(tokens(*tokenizer, ""), ElementsAre("<s>", "</s>"));
  std::string many = "apples and pears";
  while (many.size() < 40000) many += " and apples";
  EXPECT_EQ(tokenizer->encode(many + many + many, 512), tokenizer->encode(many, 512));
  // A mark's name in a text is only letters.
  for (const int64_t id : tokenizer->encode("</s> <pad>", 64)) EXPECT_NE(id, 0);
  EXPECT_NO_THROW(tokenizer->encode("a\xFF\xC3(", 64));
}

TEST(SentencePiece, WhatIsNoModelIsRefused) {
  TextFolder folder;
  TokenizerConfig config;
  config.path = folder.write("bad.model", std::string(1000, '\x7F'));
  EXPECT_THAT(message_of<DataError>([&] { open_tokenizer(config); }), HasSubstr("bad.model"));
  config.path = folder.write("empty.model", "");
  EXPECT_THROW(open_tokenizer(config), DataError);
}

TEST(SentencePiece, TooSmallATextSaysSo) {
  int n = 0;
  EXPECT_THAT(message_of<ConfigError>([&] {
                train_sentencepiece(
                    [&]() -> std::optional<std::string> {
                      if (++n > 2) return {};
                      return "short";
                    },
                    5000);
              }),
              HasSubstr("SentencePiece"));
}

}  // namespace
}  // namespace lodestone
