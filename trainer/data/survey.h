#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "trainer/data/fonts.h"
#include "trainer/data/sketch.h"

namespace lodestone {

using LetterPair = std::pair<char32_t, char32_t>;  ///< first < second

/// What one typeface draws of the data set's scripts.
struct Survey {
  std::vector<char32_t> letters;  ///< of all splits, ascending
  std::vector<Sketch> sketches;   ///< sketches[i] shows letters[i]
  std::vector<LetterPair> alike;  ///< pairs that it draws the same: at one scale, or a letter and its lower
                                  ///< case at any scale (C and c)

  bool has(char32_t letter) const;
  /// Requires: has(letter).
  const Sketch& sketch(char32_t letter) const;
};

/// Surveys a typeface; an unreadable one has no letters.
/// Cost      one drawing per letter, two more per letter with case
Survey survey(const Typeface& typeface, const std::vector<char32_t>& letters);

/// The letters of the typefaces' character maps whose scripts split.h names, ascending; with `limit` > 0 the
/// first that many of each script.
std::vector<char32_t> letters_of(const std::vector<Typeface>& typefaces, int limit, int threads);

}  // namespace lodestone
