#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sampler/tokenizers/bert_words.h"

namespace lodestone::sampler {

/// Trains a WordPiece vocabulary on text.
/// Rule      words are those of for_each_bert_word, without words of more than 100 characters. The vocabulary
///           has [PAD], [UNK], [CLS], [SEP], [MASK]; then every character that occurs, as a word's first
///           ("a") and as a later one ("##a"), in code point order; then, repeatedly, the most frequent pair
///           of neighbouring tokens is joined into a new token (byte pair encoding, Sennrich et al. 2016, as
///           in Hugging Face's trainer), until the vocabulary is full or no pair occurs twice. If the
///           characters alone would take more than half of the vocabulary, the rarest are left out. Ties go
///           to the first pair in byte order: the same text gives the same vocabulary everywhere.
/// Cost      about 200 bytes of memory per distinct word; time O(letters of the distinct words · log), one
///           thread.
class WordPieceTrainer {
 public:
  explicit WordPieceTrainer(const BertText& how) : how_(how) {}

  void add(std::string_view text);
  /// The tokens in the order of their ids: at most `vocabulary`, fewer if the text has no more. Throws
  /// ConfigError if vocabulary is below 16, DataError if no word was added.
  std::vector<std::string> tokens(int64_t vocabulary) const;

 private:
  BertText how_;
  std::unordered_map<std::string, int64_t> words_;
};

}  // namespace lodestone::sampler
