#include "common/utf8.h"

#include <cstdint>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace lodestone {

bool is_utf8(std::string_view text) {
  const auto length = static_cast<int64_t>(text.size());
  for (int64_t at = 0; at < length;) {
    UChar32 c;
    U8_NEXT(text.data(), at, length, c);
    if (c < 0) return false;
  }
  return true;
}

bool is_blank(std::string_view text) {
  constexpr UChar32 kBlankBraille = 0x2800;
  const auto length = static_cast<int64_t>(text.size());
  for (int64_t at = 0; at < length;) {
    UChar32 c;
    U8_NEXT(text.data(), at, length, c);
    const bool shows_nothing = c >= 0 && (u_isUWhiteSpace(c) || u_iscntrl(c) || c == kBlankBraille ||
                                          u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT));
    if (!shows_nothing) return false;
  }
  return true;
}

}  // namespace lodestone
