#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "trainer/data/fonts.h"
#include "trainer/data/sketch.h"

namespace lodestone::data {

using LetterPair = std::pair<char32_t, char32_t>;  ///< first < second

/// The letters that one typeface draws of the data set's scripts.
struct Survey {
  std::vector<char32_t> letters;  ///< letters of all splits, ascending
  std::vector<Sketch> sketches;   ///< sketches[i] shows letters[i]
  /// pairs that it draws the same at one scale, or, for a letter and its lower case, at any scale (C and c)
  std::vector<LetterPair> alike;

  bool has(char32_t letter) const;
  /// Requires: has(letter).
  const Sketch& sketch(char32_t letter) const;
};

/// Surveys a typeface; an unreadable one has no letters.
/// Cost      one drawing per letter, two more per letter with case
Survey survey(const Typeface& typeface, const std::vector<char32_t>& letters);

/// The letters of the typefaces' character maps whose scripts split.h names, ascending; with `limit` > 0 at
/// most that many of each script, the first ones.
std::vector<char32_t> letters_of(const std::vector<Typeface>& typefaces, int limit, int threads);

}  // namespace lodestone::data
