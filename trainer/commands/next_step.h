#pragma once

#include <initializer_list>
#include <string>

#include "common/log.h"
#include "common/shell_word.h"

namespace lodestone::commands {

/// `lodestone` with `words`, as a line that a shell reads: words with blanks or other marks are quoted.
inline std::string command_line(std::initializer_list<std::string> words) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  std::string line = "lodestone";
  for (const std::string& word : words) {
    const bool plain = !word.empty() && word.find_first_not_of(kPlain) == std::string::npos;
    line += " " + (plain ? word : shell_word(word));
  }
  return line;
}

/// The last line of a verb that people use: the command that is useful next. It goes to the log, so that
/// stdout has results alone; a verb that writes JSON leaves it out.
inline void log_next(Logger& log, std::initializer_list<std::string> words) {
  log.info("next: `{}`", command_line(words));
}

}  // namespace lodestone::commands
