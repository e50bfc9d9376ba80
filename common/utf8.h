#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lodestone {

/// Whether the text is well-formed UTF-8 (no overlong forms, no surrogates, nothing beyond U+10FFFF).
bool is_utf8(std::string_view text);

/// The byte order mark that some editors write before UTF-8. It is not part of a name or text.
inline constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

inline std::string_view without_mark(std::string_view text) {
  if (text.starts_with(kUtf8Mark)) text.remove_prefix(kUtf8Mark.size());
  return text;
}

/// The text if it has at most `bytes` bytes; else as many of its characters as leave room for a "…" behind
/// them.
/// Requires  bytes >= 3
std::string beginning(std::string_view text, size_t bytes);

/// Whether a text looks empty: it has only white space (also no-break and zero-width), control characters,
/// direction marks and fillers. True of an empty text, false of one that is not UTF-8.
bool is_blank(std::string_view text);

/// The name without white space and control characters around it, in Unicode's normal form C: equal for names
/// that look alike to a reader. A name that is not UTF-8 is returned as it is.
std::string plain_name(std::string_view name);

}  // namespace lodestone
