#pragma once

#include <memory>
#include <string>

#include "sampler/tokenizers/tokenizer.h"

namespace lodestone {

/// Which numbers a model's pieces have.
enum class PieceIds {
  kAuto,           ///< kSentencePiece where there is no doubt, else a ConfigError that asks
  kSentencePiece,  ///< their places in the model
  kXlmRoberta,  ///< <s> 0, <pad> 1, </s> 2, <unk> 3, then each piece's place + 1, <mask> last: Hugging Face's for XLM-R
};

/// A SentencePiece model (unigram or BPE, with the normalisation that lies in the model). A row has the model's marks of
/// begin and end where the model has them; padding is the model's, or id 0. With kXlmRoberta a row is <s> … </s>.
/// Throws    DataError naming the file if it is missing, larger than 64 MiB, or no model; ConfigError if kXlmRoberta is asked for
///           and the model doesn't begin with <unk>, <s>, </s>; with kAuto if it begins so and has no padding, as XLM-R's and models
///           trained with the library's defaults do, or if what lies beside it speaks of other ids (tokenizer_family.h)
std::shared_ptr<const Tokenizer> open_sentencepiece(const std::string& path, PieceIds ids = PieceIds::kAuto);

}  // namespace lodestone
