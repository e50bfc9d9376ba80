#pragma once

#include <cstddef>
#include <string_view>

namespace lodestone::sampler::huggingface {

/// Where the extended grapheme cluster ends that begins at `at` (Unicode Standard Annex 29, without the rule
/// for conjuncts of Indic scripts). Requires valid UTF-8.
size_t grapheme_end(std::string_view text, size_t at);

}  // namespace lodestone::sampler::huggingface
