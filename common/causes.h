#pragma once

#include <exception>
#include <string>

namespace lodestone {

/// The message of `error` and those of the errors that caused it, on one line, for the log. For terminals,
/// see explain().
std::string explain_on_a_line(const std::exception& error);

}  // namespace lodestone
