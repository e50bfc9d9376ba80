#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace lodestone {

/// What is wrong with a command line that CLI11 refused, as one line for people: a command or an option that there isn't is named with
/// the nearest that there is. `words`: the line without the program's name.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& words);

}  // namespace lodestone
