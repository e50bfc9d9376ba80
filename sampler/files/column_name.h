#pragma once

#include <string_view>

#include <strings.h>

namespace lodestone::sampler {

/// Whether a header names the same column as `name`: "Text", " text" and "text" do.
inline bool same_column(std::string_view header, std::string_view name) {
  const auto trimmed = [](std::string_view text) {
    const size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
  };
  const std::string_view a = trimmed(header), b = trimmed(name);
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the size is given
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace lodestone::sampler
