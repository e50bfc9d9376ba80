#pragma once

#include <memory>
#include <string>

#include "common/fields.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone {

/// Which tokenizer texts pass through, and how much of a text is read.
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

/// Opens the vocabulary or model at `path`; "auto" takes a file named *.model for SentencePiece's. Throws ConfigError if
/// there is no path or a setting is of the other kind, and as the tokenizers say.
std::shared_ptr<const Tokenizer> open_tokenizer(const TokenizerConfig& config);

}  // namespace lodestone
