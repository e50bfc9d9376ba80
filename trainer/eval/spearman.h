#pragma once

#include <span>

namespace lodestone::eval {

/// Spearman's rank correlation: Pearson's correlation of ranks, where equal values share the mean of their
/// ranks. From -1 to 1; NaN for fewer than two values, or if all values of one side are equal.
/// Throws    Error if the sides have different lengths
double spearman(std::span<const double> a, std::span<const double> b);

}  // namespace lodestone::eval
