#include "common/idle_keys.h"
#include "sampler/tokenizers/sentencepiece.h"
#include "sampler/tokenizers/tokenizer_config.h"
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

void leave_words_idle(Fields& f) {
  without_effect(f, {"lower_case", "strip_accents"},
                 "with a SentencePiece model, which has rules of its own; leave it out");
}

std::shared_ptr<const Tokenizer> open_pieces(const TokenizerConfig& config) {
  return open_sentencepiece(config.path, config.ids);
}

}  // namespace

std::span<const TokenizerRow> tokenizer_table() {
  static constexpr TokenizerRow kRows[] = {
      {.name = "wordpiece",
       .doc = "a vocab.txt, and every other name",
       .named = nullptr,
       .leave_idle = nullptr,
       .open = open_words},
      {.name = "sentencepiece",
       .doc = "a *.model",
       .named = is_model,
       .leave_idle = leave_words_idle,
       .open = open_pieces},
  };
  return kRows;
}

}  // namespace lodestone::sampler
