#pragma once

#include <functional>
#include <string_view>

namespace lodestone {

/// How BERT cleans text before it looks words up.
struct BertText {
  bool lower_case = true;
  bool strip_accents = true;
};

/// Splits text as BERT does (Devlin et al. 2018; equal to Hugging Face's BertTokenizer) and hands out the words in order
/// until `visit` returns false. A word is UTF-8 and holds no white space.
/// Rule      U+0000, U+FFFD, control, format and private characters vanish; other white space separates; each Chinese
///           character is a word of its own; accents (category Mn after canonical decomposition) vanish; letters become small,
///           one by one; each punctuation character (ASCII's, and the categories P*) is a word of its own.
/// Unicode   the tables are ICU's, so characters younger than Hugging Face's tables may be seen otherwise
/// Cost      O(bytes) time, O(longest word) memory
void for_each_bert_word(std::string_view text, const BertText& how,
                        const std::function<bool(std::string_view)>& visit);

}  // namespace lodestone
