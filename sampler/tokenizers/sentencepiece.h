#pragma once

#include <memory>
#include <string>

#include "sampler/tokenizers/tokenizer.h"

namespace lodestone::sampler {

/// How a model's pieces are numbered.
enum class PieceIds {
  kAuto,           ///< kSentencePiece if there is no doubt, else a ConfigError that asks for a choice
  kSentencePiece,  ///< position in the model
  /// As in Hugging Face's XLM-R: <s> 0, <pad> 1, </s> 2, <unk> 3, then each piece's position + 1, <mask>
  /// last.
  kXlmRoberta,
};

/// Opens a SentencePiece model (unigram or BPE, with the model's own normalisation). A row has the model's
/// begin and end tokens if it defines them; the padding id is the model's, or 0. With kXlmRoberta a row is
/// <s> … </s>.
/// Throws    DataError naming the file if it is missing, larger than 64 MiB, or no model; ConfigError with
///           kXlmRoberta if the model does not begin with <unk>, <s>, </s>; ConfigError with kAuto if it
///           begins so and has no padding (as XLM-R's and models trained with the library's defaults), or if
///           files beside the model indicate other ids (tokenizer_family.h).
std::shared_ptr<const Tokenizer> open_sentencepiece(const std::string& path, PieceIds ids = PieceIds::kAuto);

}  // namespace lodestone::sampler
