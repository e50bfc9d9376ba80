#pragma once

#include <memory>
#include <string>

#include "common/fields.h"
#include "sampler/tokenizers/sentencepiece.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone {

enum class TokenizerKind { kAuto, kWordpiece, kSentencePiece };
inline constexpr Choice<TokenizerKind> kTokenizerKinds[] = {{"auto", TokenizerKind::kAuto},
                                                            {"wordpiece", TokenizerKind::kWordpiece},
                                                            {"sentencepiece", TokenizerKind::kSentencePiece}};
inline constexpr Choice<PieceIds> kPieceIds[] = {{"auto", PieceIds::kAuto},
                                                 {"sentencepiece", PieceIds::kSentencePiece},
                                                 {"xlm_roberta", PieceIds::kXlmRoberta}};

/// Selects the tokenizer and the number of tokens read from a text.
struct TokenizerConfig {
  std::string path;
  TokenizerKind kind = TokenizerKind::kAuto;
  bool lower_case = true;
  AutoYesNo strip_accents = AutoYesNo::kAuto;
  PieceIds ids = PieceIds::kAuto;
  int64_t max_tokens = 128;

  bool is_sentencepiece() const;
  void visit(Fields& f);
};

/// Opens the vocabulary or model at `path`; kind auto treats a file named *.model as SentencePiece. Throws
/// ConfigError if there is no path or a setting belongs to the other kind of tokenizer, and what the
/// tokenizers throw.
std::shared_ptr<const Tokenizer> open_tokenizer(const TokenizerConfig& config);

}  // namespace lodestone
