#pragma once

#include <string>
#include <string_view>

namespace lodestone {

/// The text as a log or a terminal may show it: control characters and bytes that are not UTF-8 are written as \n, \t, \x1b …, so that
/// the name of a file can neither begin a line of its own nor reach the terminal's commands. A backslash stays as it is.
std::string printable(std::string_view text);

}  // namespace lodestone
