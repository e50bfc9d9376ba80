#pragma once

#include <string>
#include <string_view>

namespace lodestone {

/// The text in single quotes, as a shell reads it as one word.
inline std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace lodestone
