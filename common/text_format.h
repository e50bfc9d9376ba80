#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace lodestone {

/// The pattern with each {} replaced by the next value, as it stands. In HTML, values must already be escaped.
std::string fill(std::string_view pattern, std::initializer_list<std::string_view> values);

/// "0.25" for (0.25, 2).
std::string decimal(double value, int places);

/// Four significant digits at most: "0.25", "1e-05".
std::string compact(double value);

}  // namespace lodestone
