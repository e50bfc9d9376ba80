#pragma once

#include <memory>
#include <string>

#include "sampler/tokenizers/bert_words.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone::sampler {

/// Opens a WordPiece vocabulary like BERT's vocab.txt: one token per line, whose id is the line's number from
/// 0; "##" begins a token that continues a word; [PAD], [UNK], [CLS] and [SEP] are required. A row is [CLS] …
/// [SEP].
/// Rule      for_each_bert_word; each word is covered from the left by the longest matching token,
///           repeatedly; a word that cannot be covered, or has more than 100 characters, is one [UNK].
/// Cost      about 100 bytes of memory per token of the vocabulary.
/// Throws    DataError naming file and line if the file is missing, larger than 64 MiB, or lacks one of the
///           four tokens.
std::shared_ptr<const Tokenizer> open_wordpiece(const std::string& path, const BertText& how);

}  // namespace lodestone::sampler
