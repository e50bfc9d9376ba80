#include "sampler/tokenizers/huggingface/tokenizer_json.h"
#include "sampler/tokenizers/sentencepiece.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/train_sentencepiece.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "sampler/tokenizers/wordpiece.h"

namespace lodestone::sampler {

namespace {

void refuse_ids(const TokenizerConfig& config, const char* whose) {
  if (config.ids != PieceIds::kAuto)
    throw ConfigError(std::string("data.text.tokenizer.ids: expected auto with ") + whose + ", got " +
                      choice_name(config.ids, kPieceIds) + "; leave it out, or set kind: sentencepiece");
}

std::shared_ptr<const Tokenizer> open_words(const TokenizerConfig& config) {
  refuse_ids(config, "WordPiece, whose ids are the lines of vocab.txt");
  const bool strip =
      config.strip_accents == AutoYesNo::kAuto ? config.lower_case : config.strip_accents == AutoYesNo::kYes;
  return open_wordpiece(config.path, {config.lower_case, strip});
}

bool is_model(const std::string& path) {
  return path.ends_with(".model");
}

std::shared_ptr<const Tokenizer> open_pieces(const TokenizerConfig& config) {
  return open_sentencepiece(config.path, config.ids);
}

bool is_json(const std::string& path) {
  return path.ends_with("tokenizer.json");
}

std::shared_ptr<const Tokenizer> open_json(const TokenizerConfig& config) {
  refuse_ids(config, "Hugging Face's tokenizer.json, which has the ids");
  return open_tokenizer_json(config.path, config.read_special_tokens);
}

TrainedTokenizer train_words(const TokenizerTraining& training) {
  WordPieceTrainer trainer({!training.cased, !training.cased});
  while (const auto text = training.next()) trainer.add(*text);
  TrainedTokenizer trained{"", 0};
  for (const std::string& token : trainer.tokens(training.vocabulary)) {
    trained.file += token + "\n";
    ++trained.tokens;
  }
  return trained;
}

TrainedTokenizer train_pieces(const TokenizerTraining& training) {
  std::string model = train_sentencepiece(training.next, training.vocabulary);
  const int64_t pieces = count_pieces(model);
  return {std::move(model), pieces};
}

}  // namespace

std::span<const TokenizerRow> tokenizer_table() {
  static constexpr TokenizerRow kRows[] = {
      {.name = "wordpiece",
       .doc = "a vocab.txt, and every other name",
       .named = nullptr,
       .has_case = true,
       .has_special_tokens = false,
       .open = open_words,
       .train = train_words},
      {.name = "sentencepiece",
       .doc = "a *.model",
       .named = is_model,
       .has_case = false,
       .has_special_tokens = false,
       .open = open_pieces,
       .train = train_pieces},
      {.name = "huggingface",
       .doc = "a *tokenizer.json",
       .named = is_json,
       .has_case = false,
       .has_special_tokens = true,
       .open = open_json,
       .train = nullptr},
  };
  return kRows;
}

}  // namespace lodestone::sampler
