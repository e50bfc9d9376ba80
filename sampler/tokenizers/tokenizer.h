#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::sampler {

/// Converts text to ids of a vocabulary, [0, vocabulary()).
/// Text      UTF-8. Invalid bytes are read as U+FFFD, one per maximal ill-formed part; no text is refused.
/// Marks     the special tokens for begin, end, padding and unknown never come from the text itself: "[SEP]"
///           in a text is a bracket, a word and a bracket. (Hugging Face: split_special_tokens=True.) With
///           read_special_tokens a tokenizer.json is read as there by default.
/// Threads   const methods are safe concurrently.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// The text's ids between the begin and end tokens, at most `max_tokens` with these; a longer text is
  /// truncated at its end. Requires max_tokens >= 2.
  /// Cost      O(bytes), limited to what fits (SentencePiece reads 64 bytes per token that fits, at least 64
  ///           KiB).
  virtual std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const = 0;
  /// Number of ids.
  virtual int64_t vocabulary() const = 0;
  /// The id that pads rows; the mask hides it.
  virtual int64_t padding() const = 0;
  /// The token of an id, for people. Requires 0 <= id < vocabulary().
  virtual std::string token(int64_t id) const = 0;
};

}  // namespace lodestone::sampler
