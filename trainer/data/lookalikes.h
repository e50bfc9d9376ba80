#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "trainer/data/survey.h"

namespace lodestone {

/// Letters that look the same, in groups: neither negatives of each other nor errors.
/// Two letters are joined if Unicode calls them confusable (TR 39: equal skeletons, by ICU), or if at least
/// half of the typefaces that have both, and at least two, draw them the same (Survey::alike). Joining is
/// transitive, so a chain of near misses could swallow a script: a join that would make a group of more than
/// kLargestGroup letters is left out; the surest joins come first.
struct LookAlikes {
  static constexpr int kLargestGroup = 24;

  std::map<char32_t, char32_t> group;  ///< each letter's group, named by the group's first letter
  int64_t confusable = 0;              ///< joins by Unicode's table
  int64_t measured = 0;                ///< further joins by the typefaces' drawings
  int64_t refused = 0;                 ///< joins left out because of kLargestGroup
};

LookAlikes find_look_alikes(const std::vector<char32_t>& letters, const std::vector<Survey>& surveys);

}  // namespace lodestone
