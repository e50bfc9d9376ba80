#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sampler/tokenizers/huggingface/pattern.h"

namespace lodestone::sampler::huggingface {

/// Appends the character that stands for a byte in vocabularies of bytes: printable ones stand for
/// themselves, the others for U+0100 and on; a space is Ġ. Returns the number of bytes appended, 1 or 2.
size_t append_byte(char byte, std::string& out);

/// GPT-2's words: "'s", "'ll" …, letters, numbers or other characters, each with a space before it, and white
/// space. Equal to the regular expression
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void find_gpt2_words(std::string_view text, std::vector<Match>& words);

}  // namespace lodestone::sampler::huggingface
