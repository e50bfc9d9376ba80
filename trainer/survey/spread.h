#pragma once

#include <cstdint>
#include <vector>

namespace lodestone::survey {

/// How a number is distributed over the samples that were looked at. All values are 0 if there are none.
struct Spread {
  int64_t count = 0;
  double smallest = 0, low = 0, median = 0, high = 0, largest = 0;  ///< low and high: 5 % and 95 %
  double mean = 0;
};

/// Cost      one sort
Spread spread_of(std::vector<double> values);

/// Bounds of a survey: it ends with whichever comes first.
struct SurveyLimits {
  int64_t samples = 512;
  double seconds = 3;
};

/// Indices of at most `count` of `size` samples, without repetition. Every beginning of the list is spread
/// evenly over the data set, so that a survey may stop at any time: class after class, as folders are sorted,
/// does not bias it. The same for the same arguments.
/// Cost      O(count log count), whatever the size
std::vector<int64_t> spread_samples(int64_t size, int64_t count);

}  // namespace lodestone::survey
