// tokenizer.json of Hugging Face's tokenizers.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "sampler/tokenizers/huggingface/models.h"
#include "sampler/tokenizers/huggingface/normalizers.h"
#include "sampler/tokenizers/huggingface/post_processors.h"
#include "sampler/tokenizers/huggingface/pre_tokenizers.h"
#include "sampler/tokenizers/huggingface/tokenizer_json.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "support/growth.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::expect_linear;
using ::testing::HasSubstr;
using testing::message_of;
using testing::TextFolder;

class HuggingFaceFile : public ::testing::Test {
 protected:
  std::shared_ptr<const PlacingTokenizer> opened(const json& file, bool read_special = false) const {
    return open_tokenizer_json(folder_.write("tokenizer.json", file.dump()), read_special);
  }
  std::string refusal(const json& file) const {
    return message_of<DataError>([&] { opened(file); });
  }
  TextFolder folder_;
};

json added(const char* content, int64_t id, bool special) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

json words_file() {
  return {{"model",
           {{"type", "WordLevel"}, {"vocab", {{"[UNK]", 0}, {"a", 1}, {"b", 2}}}, {"unk_token", "[UNK]"}}},
          {"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
          {"added_tokens", {added("</s>", 3, true), added("<x>", 4, false)}},
          {"post_processor", {{"type", "BertProcessing"}, {"cls", {"[UNK]", 0}}, {"sep", {"</s>", 3}}}}};
}

json bpe_file() {
  return {{"model",
           {{"type", "BPE"},
            {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}, {"aba", 3}, {"abab", 4}, {"aa", 5}}},
            {"merges", {"a b", "ab a", "ab ab", "a a"}}}}};
}

json unigram_file() {
  constexpr std::pair<const char*, double> kTokens[] = {
      {"<unk>", 0.0}, {"a", -2.0}, {"b", -2.5}, {"ab", -3.0}, {"aaaa", -4.0}};
  json file = {{"model", {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", json::array()}}}};
  for (const auto& [token, score] : kTokens) file["model"]["vocab"].push_back(json::array({token, score}));
  return file;
}

// Ids and places that the library gave, by tests/sampler/huggingface_peers.py.
TEST_F(HuggingFaceFile, EqualsTheLibraryOnHardCases) {
  std::ifstream in(std::string(LODESTONE_TESTS_FOLDER) + "/sampler/huggingface_cases.json");
  const auto cases = json::parse(in);
  size_t compared = 0;
  for (const auto& one : cases["tokenizers"]) {
    const auto tokenizer = opened(one["file"], true);
    for (size_t n = 0; n < cases["texts"].size(); ++n) {
      if (one["tokens"][n].is_null()) continue;
      const auto expected = one["tokens"][n].get<std::vector<size_t>>();
      const auto text = cases["texts"][n].get<std::string>();
      std::vector<size_t> got;
      std::vector<int64_t> ids;
      for (const auto& [id, begin, end] : tokenizer->place(text, one["most"])) {
        got.insert(got.end(), {static_cast<size_t>(id), begin, end});
        ids.push_back(id);
      }
      EXPECT_EQ(got, expected) << one["name"] << ", text " << n << ": " << cases["texts"][n];
      EXPECT_EQ(tokenizer->encode(text, one["most"]), ids) << one["name"] << ", text " << n;
      ++compared;
    }
  }
  EXPECT_GT(compared, 1000u);
}

TEST_F(HuggingFaceFile, IsOpenedByItsName) {
  TokenizerConfig config;
  config.path = folder_.write("tokenizer.json", words_file().dump());
  EXPECT_STREQ(tokenizer_row(config).name, "huggingface");
  const auto tokenizer = open_tokenizer(config);
  EXPECT_THAT(tokenizer->encode("a c b", 16), ElementsAre(0, 1, 0, 2, 3));
  EXPECT_EQ(tokenizer->vocabulary(), 5);
  EXPECT_EQ(tokenizer->token(3), "</s>");
  config.ids = PieceIds::kXlmRoberta;
  EXPECT_THAT(message_of<ConfigError>([&] { open_tokenizer(config); }), HasSubstr("data.text.tokenizer.ids"));
}

TEST_F(HuggingFaceFile, SpecialTokensComeFromTextsOnlyWhereThatIsAsked) {
  EXPECT_THAT(opened(words_file())->encode("a </s> <x>", 16), ElementsAre(0, 1, 0, 4, 3));
  EXPECT_THAT(opened(words_file(), true)->encode("a </s> <x>", 16), ElementsAre(0, 1, 3, 4, 3));
}

TEST_F(HuggingFaceFile, LongTextsLoseTheSideThatTheFileSays) {
  json file = words_file();
  EXPECT_THAT(opened(file)->encode("a a b b", 4), ElementsAre(0, 1, 1, 3));
  file["truncation"] = {
      {"direction", "Left"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}};
  EXPECT_THAT(opened(file)->encode("a a b b", 4), ElementsAre(0, 2, 2, 3));
  EXPECT_EQ(opened(file)->encode("a a b b", 2).size(), 2u);
}

TEST_F(HuggingFaceFile, PaddingIsTheFilesOrThatOfTheFilesBesideIt) {
  json file = words_file();
  EXPECT_EQ(opened(file)->padding(), 0);
  folder_.write("special_tokens_map.json", R"({"pad_token": {"content": "b"}})");
  EXPECT_EQ(opened(file)->padding(), 2);
  folder_.write("tokenizer_config.json", R"({"pad_token": "</s>"})");
  EXPECT_EQ(opened(file)->padding(), 3);
  file["padding"] = {{"pad_id", 1}};
  EXPECT_EQ(opened(file)->padding(), 1);
}

TEST_F(HuggingFaceFile, WhatIsUnknownIsNamedWithItsPlace) {
  json file = words_file();
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers", {{{"type", "Whitespace"}}, {{"type", "UnicodeScripts"}}}}};
  EXPECT_THAT(refusal(file), AllOf(HasSubstr("tokenizer.json: pre_tokenizer.pretokenizers[1].type"),
                                   HasSubstr("'UnicodeScripts'"), HasSubstr("BertPreTokenizer")));
  file = words_file();
  file["normalizer"] = {{"type", "Cyrillic"}};
  EXPECT_THAT(refusal(file), AllOf(HasSubstr("normalizer.type"), HasSubstr("'Cyrillic'"), HasSubstr("NFKC")));
  file = words_file();
  file["post_processor"] = {{"type", "Hook"}};
  EXPECT_THAT(refusal(file), AllOf(HasSubstr("post_processor.type"), HasSubstr("'Hook'")));
  file["post_processor"] = nullptr;
  file["model"]["type"] = "Markov";
  EXPECT_THAT(refusal(file), AllOf(HasSubstr("model.type"), HasSubstr("'Markov'"), HasSubstr("Unigram")));
  EXPECT_THAT(refusal({{"version", "2.0"}, {"model", json::object()}}), HasSubstr("version"));
  EXPECT_THAT(refusal(json::array()), HasSubstr("a mapping"));
}

TEST_F(HuggingFaceFile, ContradictionsAreRefused) {
  json file = bpe_file();
  file["model"]["merges"].push_back("b b");
  EXPECT_THAT(refusal(file), HasSubstr("model.merges[4]"));
  file = bpe_file();
  file["model"]["dropout"] = 0.1;
  EXPECT_THAT(refusal(file), HasSubstr("random"));
  file = words_file();
  file["added_tokens"][1]["id"] = 7;
  EXPECT_THAT(refusal(file),
              AllOf(HasSubstr("added_tokens[1].id"), HasSubstr("expected 4"), HasSubstr("'<x>'")));
  file = words_file();
  file["model"]["vocab"]["far"] = int64_t{1} << 40;
  EXPECT_THAT(refusal(file), HasSubstr("model.vocab"));
  file = words_file();
  file["model"]["unk_token"] = "none";
  EXPECT_THAT(message_of<DataError>([&] { opened(file)->encode("c", 8); }), HasSubstr("unk_token 'none'"));
  file = unigram_file();
  file["model"]["unk_id"] = nullptr;
  EXPECT_THAT(message_of<DataError>([&] { opened(file)->encode("c", 8); }), HasSubstr("unk_id"));
}

TEST_F(HuggingFaceFile, HostileFilesAreRefusedInBoundedTimeAndMemory) {
  EXPECT_THAT(message_of<DataError>([&] {
                open_tokenizer_json(folder_.write("big.json", std::string(100 << 20, ' ')), false);
              }),
              AllOf(HasSubstr("64 MiB"), HasSubstr("big.json")));
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_THROW(open_tokenizer_json(folder_.write("deep.json", deep), false), DataError);
  json bomb = words_file();
  bomb["normalizer"] = {{"type", "Sequence"}, {"normalizers", json::array()}};
  for (int i = 0; i < 8; ++i)
    bomb["normalizer"]["normalizers"].push_back(
        {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1000, 'a')}});
  const auto grows = opened(bomb);
  EXPECT_THAT(message_of<DataError>([&] { grows->encode("aaaa", 8); }), HasSubstr("times"));
}

TEST_F(HuggingFaceFile, RegularExpressionsAreBounded) {
  json file = words_file();
  const auto split = [&](const std::string& regex) {
    file["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
  };
  split("(a+)+$");
  EXPECT_THAT(message_of<DataError>([&] { opened(file)->encode(std::string(64, 'a') + "b", 8); }),
              AllOf(HasSubstr("(a+)+$"), HasSubstr("U_REGEX_TIME_OUT")));
  split("(?:a|b)+");
  EXPECT_THAT(message_of<DataError>([&] { opened(file)->encode(std::string(8 << 20, 'a'), 8); }),
              HasSubstr("U_REGEX_"));
  split("(a");
  EXPECT_THAT(refusal(file), AllOf(HasSubstr("pre_tokenizer.pattern.Regex"), HasSubstr("PAREN")));
  split(std::string(70000, 'a'));
  EXPECT_THAT(refusal(file), HasSubstr("65536"));
}

TEST_F(HuggingFaceFile, TakesTimeInProportionToTheText) {
  json words = words_file(), bytes = bpe_file(), spaces = unigram_file();
  words["normalizer"] = {{"type", "BertNormalizer"}};
  words["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  bytes["normalizer"] = {{"type", "NFKC"}};
  bytes["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  bytes["added_tokens"] = {added("aab", 6, false)};
  spaces["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "▁"}, {"split", false}};
  json regex = bpe_file();
  regex["pre_tokenizer"] = {{"type", "Split"},
                            {"pattern", {{"Regex", R"(\p{N}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+)"}}},
                            {"behavior", "Isolated"},
                            {"invert", false}};
  json whole = bpe_file();
  for (const json& file : {words, bytes, spaces, regex, whole}) {
    const auto tokenizer = opened(file);
    for (const char* piece : {"a", "ab", "a ", ",", "\u00e9", "a\u0301", "\u0301", "\u4e2d", "\n", " "}) {
      SCOPED_TRACE(file["model"]["type"].get<std::string>() + " of " + piece);
      expect_linear(
          [&](size_t n) {
            std::string text;
            for (size_t i = 0; i < n; ++i) text += piece;
            return text;
          },
          [&](const std::string& text) { tokenizer->encode(text, 1 << 22); }, 1000, 1 << 20);
    }
  }
}

TEST(HuggingFaceTables, HaveDistinctNames) {
  const auto expect_distinct = [](const auto& table) {
    std::set<std::string> names;
    for (const auto& row : table) {
      EXPECT_NE(row.read, nullptr) << row.name;
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
    }
  };
  expect_distinct(huggingface::normalizer_table());
  expect_distinct(huggingface::pre_tokenizer_table());
  expect_distinct(huggingface::model_table());
  expect_distinct(huggingface::post_processor_table());
}

}  // namespace
}  // namespace lodestone
