#pragma once

#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/log.h"
#include "common/paths.h"
#include "trainer/commands/verb.h"

namespace lodestone::commands {

/// Adds --output. The file is replaced in one step once the new one is complete, by every command alike;
/// a Replacement says so.
inline void add_output(CLI::App* command, std::string& file, const std::string& doc) {
  add_path(command, "--output", file, doc + "; an existing file is replaced once the new one is complete")
      ->required();
}

/// Made before a command writes a file, since afterwards nobody knows whether it was there.
class Replacement {
 public:
  explicit Replacement(std::string file) : file_(std::move(file)), was_there_(is_file(file_)) {}

  /// For after the new file is in its place.
  void report(Logger& log) const {
    if (was_there_) log.info("{}: replaced the file of this name", file_);
  }

 private:
  std::string file_;
  bool was_there_;
};

}  // namespace lodestone::commands
