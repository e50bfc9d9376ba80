#pragma once

#include <string>
#include <string_view>

namespace lodestone {

/// Escapes a text for logs and terminals: control characters and bytes that are not UTF-8 become \n, \t, \x1b
/// …, so that a file name can neither begin a line of its own nor send commands to the terminal. A backslash
/// stays as it is.
std::string printable(std::string_view text);

}  // namespace lodestone
