#include "common/text_format.h"

#include <cstdio>

namespace lodestone {

std::string fill(std::string_view pattern, std::initializer_list<std::string_view> values) {
  std::string text;
  for (std::string_view value : values) {
    const size_t gap = pattern.find("{}");
    if (gap == std::string_view::npos) break;
    text += pattern.substr(0, gap);
    text += value;
    pattern.remove_prefix(gap + 2);
  }
  return text += pattern;
}

std::string decimal(double value, int places) {
  char buffer[400];  // the largest double has 309 digits before the point
  std::snprintf(buffer, sizeof buffer, "%.*f", places, value);
  std::string text = buffer;
  if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

std::string compact(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

}  // namespace lodestone
