#pragma once

#include <cstdint>
#include <functional>
#include <string>
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

/// Samples that a walk could not read.
struct Unread {
  int64_t count = 0;
  std::string first;  ///< the error of the first one
};

/// Visits samples of `size` that are spread evenly, until a limit is reached or `visit` returns false. At
/// least one is visited, if there is one.
/// Errors    a DataError of `visit` is counted
Unread visit_spread(int64_t size, const SurveyLimits& limits, const std::function<bool(int64_t)>& visit);

}  // namespace lodestone::survey
