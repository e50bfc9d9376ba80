#pragma once

#include <string>

#include "sampler/tokenizers/huggingface/added_tokens.h"

namespace lodestone::sampler::huggingface {

/// The id that pads rows: padding.pad_id of the file, else the pad_token that the files beside `path` name,
/// else the token [PAD] or <pad>, else 0.
int64_t padding_token(const Part& file, const std::string& path, const AddedTokens& added,
                      const Vocabulary& vocabulary);

}  // namespace lodestone::sampler::huggingface
