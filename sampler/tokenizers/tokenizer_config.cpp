#include "sampler/tokenizers/tokenizer_config.h"

#include "common/choices.h"
#include "common/paths.h"

namespace lodestone {

const TokenizerRow& tokenizer_row(const TokenizerConfig& config) {
  const bool by_file = config.kind == "auto";
  const TokenizerRow* other = nullptr;
  for (const TokenizerRow& row : tokenizer_table()) {
    if (by_file ? row.named != nullptr && row.named(config.path) : config.kind == row.name) return row;
    if (by_file && row.named == nullptr) other = &row;
  }
  if (other != nullptr) return *other;
  throw ConfigError("data.text.tokenizer.kind: unknown name '" + config.kind + "'");
}

void TokenizerConfig::visit(Fields& f) {
  f.field({"path", "vocab.txt of WordPiece, or a SentencePiece model", kPathUnit}, &path);
  std::vector<const char*> kinds = names_of(tokenizer_table());
  kinds.insert(kinds.begin(), "auto");
  const std::string docs = "auto: by the name of the file; " + docs_of(tokenizer_table());
  f.field({.name = "kind", .doc = docs.c_str(), .choices = kinds}, &kind);
  const TokenizerRow& row = tokenizer_row(*this);
  if (row.leave_idle != nullptr) row.leave_idle(f);
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
  return tokenizer_row(config).open(config);
}

}  // namespace lodestone
