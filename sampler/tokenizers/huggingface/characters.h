#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace lodestone::sampler::huggingface {

// Characters of valid UTF-8, and the classes of characters that Hugging Face's tokenizers use. The tables are
// ICU's; those of the tokenizers are of several versions of Unicode.

/// The character at `at`, which moves behind it. Requires valid UTF-8 and at < text.size().
inline UChar32 next_character(std::string_view text, size_t& at) {
  UChar32 c;
  U8_NEXT_UNSAFE(text.data(), at, c);
  return c;
}

/// Bytes of the character that begins with `lead`.
inline size_t length_of(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

inline bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// Returns the number of bytes that were appended.
inline size_t append_character(UChar32 c, std::string& out) {
  char bytes[U8_MAX_LENGTH];
  size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, c);
  out.append(bytes, length);
  return length;
}

inline bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

inline bool is_white(UChar32 c) {
  return c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) : u_isUWhiteSpace(c) != 0;
}

inline bool is_punctuation(UChar32 c) {
  if (c < 0x80)
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return u_ispunct(c) != 0;
}

inline bool is_letter(UChar32 c) {
  if (c < 0x80) return (c | 32) >= 'a' && (c | 32) <= 'z';
  return (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0;
}

inline bool is_number(UChar32 c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0;
}

/// \w of regular expressions.
inline bool is_word(UChar32 c) {
  if (c < 0x80) return is_letter(c) || is_number(c) || c == '_';
  return u_isUAlphabetic(c) || (U_GET_GC_MASK(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
         u_hasBinaryProperty(c, UCHAR_JOIN_CONTROL);
}

/// The text with U+FFFD for each maximal part that is not UTF-8.
std::string valid_utf8(std::string_view text);

}  // namespace lodestone::sampler::huggingface
