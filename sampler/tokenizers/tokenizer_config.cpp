#include "sampler/tokenizers/tokenizer_config.h"

#include "common/choices.h"
#include "common/keys_without_effect.h"
#include "common/paths.h"
#include "common/printable.h"

namespace lodestone::sampler {

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
  f.field({.name = "path",
           .doc = "vocab.txt of WordPiece, a SentencePiece model, or Hugging Face's tokenizer.json",
           .unit = kPathUnit},
          &path);
  std::vector<const char*> kinds = names_of(tokenizer_table());
  kinds.insert(kinds.begin(), "auto");
  const std::string docs = "kind of tokenizer. auto: by the name of the file; " + docs_of(tokenizer_table());
  f.field({.name = "kind", .doc = docs.c_str(), .choices = kinds}, &kind);
  const TokenizerRow& row = tokenizer_row(*this);
  if (!row.has_case)
    without_effect(
        f, {"lower_case", "strip_accents"},
        std::string("with a file of kind ") + row.name + ", which has rules of its own; leave it out");
  if (!row.has_special_tokens)
    without_effect(f, {"read_special_tokens"},
                   std::string("with a file of kind ") + row.name +
                       ", with which special tokens never come from a text; leave it out");
  f.field({.name = "lower_case",
           .doc = "wordpiece: whether letters are converted to lower case; must match the vocabulary"},
          &lower_case);
  f.choice({.name = "strip_accents", .doc = "wordpiece: removal of accents; auto: as lower_case"},
           &strip_accents, kAutoYesNo);
  f.choice(
      {.name = "ids",
       .doc = "numbering of pieces. sentencepiece: as in the model; xlm_roberta: as in Hugging Face's "
              "XLM-R, <s> 0, <pad> 1, </s> 2, <unk> 3, then one higher; camembert and mbart: as in theirs; "
              "auto: as tokenizer_config.json or config.json beside the model says, else as in the model, "
              "or an error if that is ambiguous"},
      &ids, kPieceIds);
  f.field(
      {.name = "read_special_tokens",
       .doc =
           "huggingface: whether special tokens in a text, such as </s>, become these tokens, as in "
           "Hugging Face's tokenizers; false: they are read as letters, so that a text cannot contain them"},
      &read_special_tokens);
  f.field(
      {.name = "max_tokens",
       .doc =
           "largest number of tokens of a text, including those of begin and end; a longer text is truncated",
       .unit = "tokens",
       .min = 3,
       .max = 65536},
      &max_tokens);
}

std::shared_ptr<const Tokenizer> open_tokenizer(const TokenizerConfig& config) {
  if (config.path.empty())
    throw ConfigError(
        "data.text.tokenizer.path: expected a vocab.txt, a SentencePiece model or a tokenizer.json, got "
        "nothing; create one "
        "with lodestone tokenizer train");
  if (!is_file(config.path))
    throw DataError(
        "data.text.tokenizer.path: expected a vocab.txt, a SentencePiece model or a tokenizer.json, got " +
        printable(config.path) + (path_exists(config.path) ? ", which is no file" : ", which is missing") +
        "; correct the path, or make one by `lodestone tokenizer train`");
  return tokenizer_row(config).open(config);
}

}  // namespace lodestone::sampler
