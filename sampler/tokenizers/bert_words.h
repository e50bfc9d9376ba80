#pragma once

#include <functional>
#include <string_view>

namespace lodestone::sampler {

/// How BERT normalises text before the vocabulary lookup.
struct BertText {
  bool lower_case = true;
  bool strip_accents = true;
};

/// Splits text into words as BERT does (Devlin et al. 2018; equal to Hugging Face's BertTokenizer), and
/// passes them to `visit` in order until it returns false. A word is UTF-8 without white space.
/// Rule      U+0000, U+FFFD, control, format and private-use characters are removed; other white space
///           separates words; each Chinese character is a word; accents (category Mn after canonical
///           decomposition) are removed; letters become lower case, one by one; each punctuation character
///           (ASCII's and the categories P*) is a word.
/// Unicode   the tables are ICU's, so characters newer than Hugging Face's tables may be treated differently.
/// Cost      O(bytes) time, O(longest word) memory.
void for_each_bert_word(std::string_view text, const BertText& how,
                        const std::function<bool(std::string_view)>& visit);

}  // namespace lodestone::sampler
