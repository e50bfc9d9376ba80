#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "common/log.h"
#include "common/paths.h"
#include "trainer/commands/verb.h"

namespace lodestone {

/// Adds --output. The file is replaced in one step once the new one is complete, by every command alike;
/// tell_replaced() says so.
inline void add_output(CLI::App* command, std::string& file, const std::string& doc) {
  add_path(command, "--output", file, doc + "; an existing file is replaced once the new one is complete")
      ->required();
}

/// For a command that is about to replace a file.
inline void tell_replaced(const std::string& file, Logger& log) {
  if (is_file(file)) log.info("{}: replaces the file of this name", file);
}

}  // namespace lodestone
