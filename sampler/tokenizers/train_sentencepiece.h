#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace lodestone::sampler {

/// Trains a SentencePiece model of `vocabulary` pieces on the texts that `next` returns until it is empty,
/// and returns the model's bytes: the library's own unigram trainer (Kudo 2018), NFKC normalisation,
/// [padding, unknown, begin, end] as ids 0 to 3, characters that cover 99.95 % of the text. Texts of more
/// than 4,192 bytes are left out, as by the library.
/// Cost      all texts in memory, and about 10 times as much for the suffix array.
/// Ensures   the same texts give the same model.
/// Throws    ConfigError if the library refuses, most often because the text is too small for so many pieces;
///           the message has the number for which it is large enough.
std::string train_sentencepiece(const std::function<std::optional<std::string>()>& next, int64_t vocabulary);

/// The number of pieces of a trained model.
/// Requires  the bytes are those of train_sentencepiece
int64_t count_pieces(const std::string& model);

}  // namespace lodestone::sampler
