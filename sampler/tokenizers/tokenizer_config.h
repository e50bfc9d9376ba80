#pragma once

#include <memory>
#include <string>

#include "common/fields.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone {

/// Selects the tokenizer and the number of tokens read from a text.
struct TokenizerConfig {
  std::string path;
  std::string kind = "auto";
  bool lower_case = true;
  std::string strip_accents = "auto";
  std::string ids = "auto";
  int64_t max_tokens = 128;

  bool is_sentencepiece() const;
  void visit(Fields& f);
};

/// Opens the vocabulary or model at `path`; "auto" treats a file named *.model as SentencePiece. Throws
/// ConfigError if there is no path or a setting belongs to the other kind of tokenizer, and what the
/// tokenizers throw.
std::shared_ptr<const Tokenizer> open_tokenizer(const TokenizerConfig& config);

}  // namespace lodestone
