#include "sampler/tokenizers/tokenizer_config.h"

#include "common/idle_keys.h"
#include "common/paths.h"
#include "sampler/tokenizers/wordpiece.h"

namespace lodestone {

bool TokenizerConfig::is_sentencepiece() const {
  return kind == TokenizerKind::kAuto ? path.ends_with(".model") : kind == TokenizerKind::kSentencePiece;
}

void TokenizerConfig::visit(Fields& f) {
  f.field({"path", "vocab.txt of WordPiece, or a SentencePiece model", kPathUnit}, &path);
  f.choice({"kind", "auto: sentencepiece for a file named *.model, else wordpiece"}, &kind, kTokenizerKinds);
  if (is_sentencepiece())
    without_effect(f, {"lower_case", "strip_accents"},
                   "with a SentencePiece model, which has rules of its own; leave it out");
  f.field({"lower_case", "wordpiece: make letters small; must be as the vocabulary was made"}, &lower_case);
  f.choice({"strip_accents", "wordpiece: drop accents; auto: as lower_case"}, &strip_accents, kAutoYesNo);
  f.choice(
      {"ids",
       "sentencepiece: pieces are numbered as in the model; xlm_roberta: as in Hugging Face's XLM-R, <s> "
       "0, <pad> 1, </s> "
       "2, <unk> 3, then a place later; auto: as in the model, and an error where that is in doubt"},
      &ids, kPieceIds);
  f.field({"max_tokens", "a longer text loses its end; the marks of begin and end count", "tokens", 3, 65536},
          &max_tokens);
}

std::shared_ptr<const Tokenizer> open_tokenizer(const TokenizerConfig& config) {
  if (config.path.empty())
    throw ConfigError(
        "data.text.tokenizer.path: expected a vocab.txt or a SentencePiece model, got nothing; make one by "
        "lodestone tokenizer train");
  if (config.is_sentencepiece()) return open_sentencepiece(config.path, config.ids);
  if (config.ids != PieceIds::kAuto)
    throw ConfigError(
        "data.text.tokenizer.ids: expected auto with WordPiece, whose ids are the lines of vocab.txt, got " +
        choice_name(config.ids, kPieceIds) + "; leave it out, or set kind: sentencepiece");
  const bool strip =
      config.strip_accents == AutoYesNo::kAuto ? config.lower_case : config.strip_accents == AutoYesNo::kYes;
  return open_wordpiece(config.path, {config.lower_case, strip});
}

}  // namespace lodestone
