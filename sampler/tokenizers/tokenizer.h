#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone {

/// Turns text into ids of a vocabulary, [0, vocabulary()).
/// Text      UTF-8. Bytes that are not are read as U+FFFD, one for each maximal ill-formed part; no text is refused.
/// Marks     tokens that mark begin, end, padding or the unknown never come from the text itself: "[SEP]" written in a text
///           is a bracket, a word and a bracket. (Hugging Face: split_special_tokens=True.)
/// Threads   const methods are safe concurrently
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// The text's ids between the marks of begin and end, at most `max_tokens` of them with the marks: a longer text loses its
  /// end. Requires max_tokens >= 2. Cost: O(bytes), and no more of the text is looked at than fits (SentencePiece looks at 64 bytes for
  /// each token that fits, and at 64 KiB at least).
  virtual std::vector<int64_t> encode(std::string_view text, int64_t max_tokens) const = 0;
  /// How many ids there are.
  virtual int64_t vocabulary() const = 0;
  /// The id that fills rows up; masked wherever it stands.
  virtual int64_t padding() const = 0;
  /// What an id stands for, for people. Requires 0 <= id < vocabulary().
  virtual std::string token(int64_t id) const = 0;
};

}  // namespace lodestone
