#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "trainer/data/survey.h"

namespace lodestone::data {

/// A class of the data set.
struct Letter {
  char32_t code = 0;
  Split split = Split::kTrain;
  char32_t group = 0;             ///< the first letter of its look-alike group
  std::vector<size_t> typefaces;  ///< indices of the typefaces that draw its instances, ascending
};

/// The number of typefaces that draw a letter of the data set.
struct SelectionRule {
  int min_typefaces = 6;   ///< a letter with fewer distinct drawings is left out
  int max_typefaces = 20;  ///< of more typefaces a random choice is taken, so that no letter dominates
  uint64_t seed = 1;
};

/// The classes, ascending by code point, and counts of what was left out.
struct Selection {
  std::vector<Letter> letters;
  int64_t same_drawings = 0;  ///< instances that copy another typeface's drawing of the letter
  int64_t rare_letters = 0;   ///< letters with fewer than min_typefaces distinct drawings
  int64_t seen_letters = 0;   ///< letters that look like a letter of another split, which keeps it
  int64_t confusable_joins = 0, measured_joins = 0, refused_joins = 0;  ///< counts of LookAlikes
};

/// Chooses classes and instances. A letter is drawn by typefaces of its script's split only.
Selection select_letters(const std::vector<char32_t>& letters, const std::vector<Typeface>& typefaces,
                         const std::vector<Survey>& surveys, const SelectionRule& rule);

}  // namespace lodestone::data
