#pragma once

#include <algorithm>
#include <cctype>
#include <string_view>

namespace lodestone::http {

/// Whether a Content-Type, or an entry of Accept, is of that media type, whatever its parameters and case.
inline bool is_media_type(std::string_view type, std::string_view wanted) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.front() == ' ' || type.front() == '\t')) type.remove_prefix(1);
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return std::ranges::equal(
      type, wanted, [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

}  // namespace lodestone::http
