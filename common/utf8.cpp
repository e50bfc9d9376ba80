#include "common/utf8.h"

#include <cstdint>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include "common/error.h"

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

std::string beginning(std::string_view text, size_t bytes) {
  constexpr std::string_view kCut = "…";
  if (text.size() <= bytes) return std::string(text);
  size_t end = bytes - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)).append(kCut);
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

std::string plain_name(std::string_view name) {
  if (!is_utf8(name)) return std::string(name);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) throw Error("utf8: expected ICU's table of normal form C, got none; reinstall ICU");
  const icu::UnicodeString whole = form->normalize(
      icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<int32_t>(name.size()))), status);
  const auto is_around = [&whole](int32_t at) {
    const UChar32 c = whole.char32At(at);
    return u_isUWhiteSpace(c) || u_iscntrl(c);
  };
  int32_t begin = 0, end = whole.length();
  while (begin < end && is_around(begin)) begin = whole.moveIndex32(begin, 1);
  while (begin < end && is_around(end - 1)) end = whole.moveIndex32(end, -1);
  std::string plain;
  whole.tempSubStringBetween(begin, end).toUTF8String(plain);
  return plain;
}

}  // namespace lodestone
