#pragma once

#include <memory>
#include <string>

#include "sampler/tokenizers/piece_ids.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone::sampler {

/// Opens a SentencePiece model (unigram or BPE, with the model's own normalisation). A row has the model's
/// begin and end tokens if it defines them; the padding id is the model's, or 0. With the ids of a family,
/// rows have the family's special tokens: <s> … </s>, or … </s> en_XX for mBART.
/// Throws    DataError naming the file if it is missing, larger than 64 MiB, or no model; ConfigError with
///           the ids of a family if the model does not begin with <unk>, <s>, </s>; ConfigError with kAuto if
///           it begins so, has no padding (as XLM-R's and models of the library's defaults) and no file
///           beside it names its family, or if one names a family with other ids (tokenizer_family.h).
std::shared_ptr<const Tokenizer> open_sentencepiece(const std::string& path, PieceIds ids = PieceIds::kAuto);

}  // namespace lodestone::sampler
