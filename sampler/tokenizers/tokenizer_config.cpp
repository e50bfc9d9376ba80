#include "sampler/tokenizers/tokenizer_config.h"

#include "common/idle_keys.h"
#include "common/paths.h"
#include "common/printable.h"
#include "sampler/tokenizers/sentencepiece.h"
#include "sampler/tokenizers/wordpiece.h"

namespace lodestone {

bool TokenizerConfig::is_sentencepiece() const {
  return kind == "auto" ? path.ends_with(".model") : kind == "sentencepiece";
}

void TokenizerConfig::visit(Fields& f) {
  f.field({"path", "vocab.txt of WordPiece, or a SentencePiece model", kPathUnit}, &path);
  f.field({"kind",
           "auto: sentencepiece for a file named *.model, else wordpiece",
           "",
           {},
           {},
           {"auto", "wordpiece", "sentencepiece"}},
          &kind);
  if (is_sentencepiece())
    without_effect(f, {"lower_case", "strip_accents"},
                   "with a SentencePiece model, which has rules of its own; leave it out");
  f.field({"lower_case", "wordpiece: make letters small; must be as the vocabulary was made"}, &lower_case);
  f.field(
      {"strip_accents", "wordpiece: drop accents; auto: as lower_case", "", {}, {}, {"auto", "yes", "no"}},
      &strip_accents);
  f.field({"ids",
           "sentencepiece: pieces are numbered as in the model; xlm_roberta: as in Hugging Face's XLM-R, <s> "
           "0, <pad> 1, </s> "
           "2, <unk> 3, then a place later; auto: as in the model, and an error where that is in doubt",
           "",
           {},
           {},
           {"auto", "sentencepiece", "xlm_roberta"}},
          &ids);
  f.field({"max_tokens", "a longer text loses its end; the marks of begin and end count", "tokens", 3, 65536},
          &max_tokens);
}

std::shared_ptr<const Tokenizer> open_tokenizer(const TokenizerConfig& config) {
  if (config.path.empty())
    throw ConfigError(
        "data.text.tokenizer.path: expected a vocab.txt or a SentencePiece model, got nothing; make one by "
        "lodestone tokenizer train");
  if (!is_file(config.path))
    throw DataError("data.text.tokenizer.path: expected a vocab.txt or a SentencePiece model, got " +
                    printable(config.path) +
                    (path_exists(config.path) ? ", which is no file" : ", which is missing") +
                    "; correct the path, or make one by `lodestone tokenizer train`");
  if (config.is_sentencepiece())
    return open_sentencepiece(config.path, config.ids == "auto"            ? PieceIds::kAuto
                                           : config.ids == "sentencepiece" ? PieceIds::kSentencePiece
                                                                           : PieceIds::kXlmRoberta);
  if (config.ids != "auto")
    throw ConfigError(
        "data.text.tokenizer.ids: expected auto with WordPiece, whose ids are the lines of vocab.txt, got " +
        config.ids + "; leave it out, or set kind: sentencepiece");
  const bool strip = config.strip_accents == "auto" ? config.lower_case : config.strip_accents == "yes";
  return open_wordpiece(config.path, {config.lower_case, strip});
}

}  // namespace lodestone
