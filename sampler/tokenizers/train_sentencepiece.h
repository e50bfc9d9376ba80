#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace lodestone {

/// Makes a SentencePiece model of `vocabulary` pieces out of the texts that `next` gives until it gives none: the library's
/// own unigram trainer (Kudo 2018), NFKC normalisation, [padding, unknown, begin, end] as ids 0 to 3, characters that cover
/// 99.95 % of the text. Texts of more than 4,192 bytes are left out, as the library does.
/// Returns the model's bytes. The same texts give the same model.
/// Cost      all texts in memory, and some 10 times as much for the suffix array
/// Throws    ConfigError if the library refuses (most often because the text is too small for so many pieces; it says for how
///           many it is enough)
std::string train_sentencepiece(const std::function<std::optional<std::string>()>& next, int64_t vocabulary);

}  // namespace lodestone
