#pragma once

#include <cstddef>

namespace lodestone::commands {

/// Whether a command prints each answer. If the answers are also written to a file and there are more than
/// ten, it prints a summary.
inline bool prints_each_answer(size_t answers, bool in_file) {
  constexpr size_t kShownBesideFile = 10;
  return !in_file || answers <= kShownBesideFile;
}

}  // namespace lodestone::commands
