#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "trainer/data/survey.h"

namespace lodestone::data {

/// Groups letters that look the same; such letters are neither negatives of each other nor errors. Two
/// letters are joined if Unicode calls them confusable (TR 39: equal skeletons, by ICU), or if at least half
/// of the typefaces that have both, and at least two, draw them the same (Survey::alike). Joining is
/// transitive, so a chain of near misses could join a whole script: joins are made in descending order of
/// certainty, and a join that would make a group of more than kLargestGroup letters is left out.
struct LookAlikes {
  static constexpr int kLargestGroup = 24;

  std::map<char32_t, char32_t> group;  ///< each letter's group, named by the group's first letter
  int64_t confusable = 0;              ///< joins by Unicode's table
  int64_t measured = 0;                ///< further joins by the typefaces' drawings
  int64_t refused = 0;                 ///< joins left out because of kLargestGroup
};

/// Finds the groups. surveys[i] is what typeface i draws; `letters` are all letters of the data set.
LookAlikes find_look_alikes(const std::vector<char32_t>& letters, const std::vector<Survey>& surveys);

}  // namespace lodestone::data
