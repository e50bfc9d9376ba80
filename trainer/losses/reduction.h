#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/losses/loss.h"

namespace lodestone::losses {

/// The denominator of the mean of a loss with a margin.
enum class Reduction {
  kActive,  ///< the items whose loss is not zero: the convention of metric learning
  kAll,     ///< all valid items
};

/// Visits the setting `reduction`.
inline void visit_reduction(Fields& f, Reduction* reduction) {
  f.choice(
      {.name = "reduction", .doc = "divisor of the sum: items with a loss above zero, or all valid items"},
      reduction, {{"active", Reduction::kActive}, {"all", Reduction::kAll}});
}

/// The terms of a loss that is one mean over `count` items, all of which have a loss above zero.
inline Terms mean_terms(const at::Tensor& sum, const at::Tensor& count) {
  return {{sum}, {count}, count, count};
}

/// The value of the loss: Σ sum / count over parts. A part without items is zero.
inline at::Tensor combine(const Terms& terms) {
  at::Tensor total = at::zeros_like(terms.sums.front());
  for (size_t i = 0; i < terms.sums.size(); ++i)
    if (terms.counts[i].item<double>() > 0) total = total + terms.sums[i] / terms.counts[i];
  return total;
}

}  // namespace lodestone::losses
