#include "sampler/tokenizers/sentencepiece.h"
#include "sampler/tokenizers/tokenizer_config.h"
#include "sampler/tokenizers/train_sentencepiece.h"
#include "sampler/tokenizers/train_wordpiece.h"
#include "sampler/tokenizers/wordpiece.h"

namespace lodestone::sampler {

namespace {

std::shared_ptr<const Tokenizer> open_words(const TokenizerConfig& config) {
  if (config.ids != PieceIds::kAuto)
    throw ConfigError(
        "data.text.tokenizer.ids: expected auto with WordPiece, whose ids are the lines of vocab.txt, got " +
        choice_name(config.ids, kPieceIds) + "; leave it out, or set kind: sentencepiece");
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
       .open = open_words,
       .train = train_words},
      {.name = "sentencepiece",
       .doc = "a *.model",
       .named = is_model,
       .has_case = false,
       .open = open_pieces,
       .train = train_pieces},
  };
  return kRows;
}

}  // namespace lodestone::sampler
