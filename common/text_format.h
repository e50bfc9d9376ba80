#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace lodestone {

/// Replaces each {} of the pattern by the next value, unchanged. For HTML, values must already be escaped.
std::string fill(std::string_view pattern, std::initializer_list<std::string_view> values);

/// The words with commas between them, and `last` before the last one: "a, b, c", or "a, b or c".
template <typename Words>
std::string joined(const Words& words, std::string_view last = ", ") {
  std::string text;
  size_t before_last = 0;
  for (const auto& word : words) {
    before_last = text.size();
    text += (text.empty() ? "" : ", ") + std::string(word);
  }
  if (before_last > 0) text.replace(before_last, 2, last);
  return text;
}

/// Fixed-point notation: "0.25" for (0.25, 2). What rounds to zero has no sign: "0.0" for (-0.01, 1).
std::string decimal(double value, int places);

/// At most four significant digits: "0.25", "1e-05".
std::string compact(double value);

}  // namespace lodestone
