#pragma once

#include <span>
#include <vector>

namespace lodestone::eval {

/// The ranks of the values, the lowest first, less their mean; equal values share the mean of their ranks.
std::vector<double> centred_ranks(std::span<const double> values);

/// Spearman's rank correlation: Pearson's correlation of centred_ranks. From -1 to 1; NaN for fewer than two
/// values, or if all values of one side are equal.
/// Throws    Error if the sides have different lengths
double spearman(std::span<const double> a, std::span<const double> b);

}  // namespace lodestone::eval
