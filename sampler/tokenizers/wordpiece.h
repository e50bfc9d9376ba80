#pragma once

#include <memory>
#include <string>

#include "sampler/tokenizers/bert_words.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone {

/// WordPiece with a vocab.txt as BERT's: one token a line, its id is the line's number from 0; "##" begins a token that
/// continues a word; [PAD], [UNK], [CLS] and [SEP] must be there. A row is [CLS] … [SEP].
/// Rule      for_each_bert_word; each word is covered from its left by the longest token that fits, again and again; a word
///           that cannot be covered, or of more than 100 characters, is one [UNK]
/// Cost      about 100 bytes of memory for each token of the vocabulary
/// Throws    DataError naming file and line if the file is missing, larger than 64 MiB, or lacks one of the four
std::shared_ptr<const Tokenizer> open_wordpiece(const std::string& path, const BertText& how);

}  // namespace lodestone
