#include "common/utf8.h"

#include <cstdint>

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

}  // namespace lodestone
