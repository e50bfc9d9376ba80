#pragma once

#include <optional>
#include <string>

#include "sampler/tokenizers/piece_ids.h"

namespace lodestone::sampler {

/// The language of mBART's texts if no file says it.
inline constexpr const char* kLanguage = "en_XX";

/// Which numbering Hugging Face's models use for a SentencePiece model, according to the files beside it.
struct TokenizerFamily {
  /// Where this is stated, for people: "tokenizer_config.json: XLMRobertaTokenizer".
  std::string source;
  /// The numbering; kAuto: one of several families'; kSentencePiece: another one, unknown to this library.
  PieceIds ids = PieceIds::kAuto;
  std::string language = kLanguage;  ///< src_lang of tokenizer_config.json
};

/// Reads tokenizer_config.json and config.json in the model's folder, and the model's name:
/// sentencepiece.bpe.model is the name in XLM-R, CamemBERT and mBART. Empty if the pieces have the model's
/// own ids (T5, ALBERT, DeBERTa) or the files do not say; an unreadable JSON file counts as saying nothing.
std::optional<TokenizerFamily> tokenizer_family(const std::string& model);

}  // namespace lodestone::sampler
