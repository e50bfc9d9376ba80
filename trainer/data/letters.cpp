#include "trainer/data/letters.h"

#include <array>
#include <cctype>
#include <cstdio>

#include <unicode/normlzr.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uversion.h>

#include "common/error.h"

namespace lodestone::data {

bool is_letter(char32_t code) {
  const auto c = static_cast<UChar32>(code);
  const uint32_t letters = U_GC_LU_MASK | U_GC_LL_MASK | U_GC_LT_MASK | U_GC_LO_MASK;
  if ((U_GET_GC_MASK(c) & letters) == 0) return false;
  const int32_t kind = u_getIntPropertyValue(c, UCHAR_DECOMPOSITION_TYPE);
  if (kind != U_DT_NONE && kind != U_DT_CANONICAL) return false;
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &status);
  return U_SUCCESS(status) && script != USCRIPT_COMMON && script != USCRIPT_INHERITED &&
         script != USCRIPT_UNKNOWN;
}

std::string script_of(char32_t code) {
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(code), &status);
  std::string name = U_SUCCESS(status) ? uscript_getName(script) : "Unknown";
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

std::string code_name(char32_t code) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "U+%04X", static_cast<unsigned>(code));
  return text.data();
}

std::string class_name(char32_t code) {
  return script_of(code) + "/" + code_name(code);
}

std::string letter_name(char32_t code) {
  std::array<char, 128> text{};
  UErrorCode status = U_ZERO_ERROR;
  u_charName(static_cast<UChar32>(code), U_EXTENDED_CHAR_NAME, text.data(), text.size(), &status);
  return U_SUCCESS(status) ? std::string(text.data()) : code_name(code);
}

char32_t lower_case(char32_t code) {
  return static_cast<char32_t>(u_tolower(static_cast<UChar32>(code)));
}

std::string icu_version() {
  UVersionInfo version;
  u_getVersion(version);
  std::array<char, U_MAX_VERSION_STRING_LENGTH> text{};
  u_versionToString(version, text.data());
  return text.data();
}

}  // namespace lodestone::data
