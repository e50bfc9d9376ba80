#include "trainer/report/html.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace lodestone::report {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The number of bytes of the well-formed UTF-8 character at the start (Unicode 15, table 3-7); 0 if there is
// none.
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t k = 1; k < length; ++k)
    if ((byte(k) & 0xC0) != 0x80) return 0;
  // Rejects overlong forms, surrogates, and code points above U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

std::string_view replacement_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\t':
    case '\n':
      return {};
    default:
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? kReplacement : std::string_view();
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const size_t length = character_length(text);
    const std::string_view replacement = length == 0   ? kReplacement
                                         : length == 1 ? replacement_of(text.front())
                                                       : std::string_view();
    safe += replacement.empty() ? text.substr(0, length) : replacement;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return safe;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t k = 0; k < bytes.size(); k += 3) {
    uint32_t word = 0;
    for (size_t b = 0; b < 3; ++b)
      word = (word << 8) | (k + b < bytes.size() ? static_cast<unsigned char>(bytes[k + b]) : 0U);
    for (size_t c = 0; c < 4; ++c)
      text += k + c <= bytes.size() ? kLetters[(word >> (18 - 6 * c)) & 63] : '=';
  }
  return text;
}

std::string data_uri(std::string_view type, std::string_view file) {
  return "data:" + std::string(type) + ";base64," + base64(file);
}

}  // namespace lodestone::report
