#pragma once

#include <memory>
#include <string>

#include "sampler/tokenizers/tokenizer.h"

namespace lodestone {

/// A SentencePiece model (unigram or BPE, with the normalisation that lies in the model). A row has the model's marks of
/// begin and end where the model has them; padding is the model's, or id 0.
/// Throws    DataError naming the file if it is missing, larger than 64 MiB, or no model
std::shared_ptr<const Tokenizer> open_sentencepiece(const std::string& path);

}  // namespace lodestone
