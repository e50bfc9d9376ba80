#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace lodestone::commands {

/// The error of a command line that CLI11 refused, as one line. An unknown command or option is named
/// together with the nearest known one. `words` is the line without the program's name.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& words);

}  // namespace lodestone::commands
