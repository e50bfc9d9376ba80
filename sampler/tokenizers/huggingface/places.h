#pragma once

#include <string_view>
#include <vector>

#include "sampler/tokenizers/huggingface/models.h"
#include "sampler/tokenizers/huggingface/post_processors.h"
#include "sampler/tokenizers/huggingface/tokenizer_json.h"

namespace lodestone::sampler::huggingface {

/// The tokens with the characters of `original` that they cover, after the steps.
/// Requires  a text with origins
std::vector<PlacedToken> places_of(const Text& text, const std::vector<Token>& tokens,
                                   std::string_view original, const Model& model,
                                   const std::vector<PostStep>& steps);

}  // namespace lodestone::sampler::huggingface
