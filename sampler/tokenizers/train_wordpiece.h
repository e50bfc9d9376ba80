#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sampler/tokenizers/bert_words.h"

namespace lodestone {

/// Makes a WordPiece vocabulary out of text.
/// Rule      words as for_each_bert_word gives them, those of more than 100 characters left out. Vocabulary: [PAD], [UNK],
///           [CLS], [SEP], [MASK]; then every character that occurs, as a word's first ("a") and as a later one ("##a"), in
///           code point order; then, again and again, the neighbouring two tokens that occur together most often are
///           joined into a new token (byte pair encoding, Sennrich et al. 2016, as Hugging Face's trainer does it too), until
///           the vocabulary is full or no two occur together twice. If the characters alone would take more than half of
///           the vocabulary, the rarest are left out. Ties go to the pair that comes first in byte order: the same text
///           gives the same vocabulary everywhere.
/// Cost      about 200 bytes of memory for each different word; time O(letters of the different words · log), in one thread
class WordPieceTrainer {
 public:
  explicit WordPieceTrainer(const BertText& how) : how_(how) {}

  void add(std::string_view text);
  /// Tokens in the order of their ids, at most `vocabulary` of them; fewer if the text has no more to give.
  /// Throws ConfigError if vocabulary is below 16, DataError if no word was added.
  std::vector<std::string> tokens(int64_t vocabulary) const;

 private:
  BertText how_;
  std::unordered_map<std::string, int64_t> words_;
};

}  // namespace lodestone
