#pragma once

#include <string_view>

namespace lodestone {

/// Whether all of the text is well-formed UTF-8 (no overlong forms, no surrogates, nothing beyond U+10FFFF).
bool is_utf8(std::string_view text);

/// What some editors write before UTF-8. It belongs to no name and no text.
inline constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

inline std::string_view without_mark(std::string_view text) {
  if (text.starts_with(kUtf8Mark)) text.remove_prefix(kUtf8Mark.size());
  return text;
}

/// Whether a reader would see nothing: a text of blanks (no-break and zero-width ones too), control characters, marks of direction and
/// fillers alone. True of an empty text, false of one that is not UTF-8.
bool is_blank(std::string_view text);

}  // namespace lodestone
