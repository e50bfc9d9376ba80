#include "common/printable.h"

#include <cstdint>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace lodestone {

namespace {

void append_escaped(std::string& out, std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '\r') {
      out += "\\r";
    } else {
      out += "\\x";
      out += kHex[value >> 4];
      out += kHex[value & 15];
    }
  }
}

// Control and format characters (ESC, CSI, marks of writing direction), and line and paragraph separators.
bool may_be_shown(UChar32 c) {
  constexpr uint32_t kHidden = U_GC_CC_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK | U_GC_CS_MASK;
  const bool direction = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return !direction && (U_GET_GC_MASK(c) & kHidden) == 0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto length = static_cast<int64_t>(text.size());
  for (int64_t at = 0; at < length;) {
    const int64_t begin = at;
    UChar32 c;
    U8_NEXT(text.data(), at, length, c);
    const auto bytes = text.substr(static_cast<size_t>(begin), static_cast<size_t>(at - begin));
    if (c >= 0 && may_be_shown(c)) {
      out += bytes;
    } else {
      append_escaped(out, bytes);
    }
  }
  return out;
}

}  // namespace lodestone
