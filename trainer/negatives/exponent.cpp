#include "trainer/negatives/exponent.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>

namespace lodestone {

void shifted_exp(at::Tensor& x, double shift) {
  if (shift != 0) x.sub_(shift);
  x.exp_();
}

std::optional<double> common_shift(const PairLoss& loss, const Block& block) {
  // Cauchy and Schwarz; the triangle inequality for distances.
  const double u = block.rows.set->longest, v = block.refs.set->longest;
  const Affine affine = loss.affine();
  const bool similarity = loss.measure() == Measure::kSimilarity;
  const double most = similarity ? u * v : loss.measure() == Measure::kL2 ? u + v : (u + v) * (u + v);
  const double high = std::abs(affine.scale) * most, low = similarity ? -high : 0;
  const auto [least_term, most_term] = loss.term_range(low + affine.bias, high + affine.bias);
  // exp(±87.3) is float32's normal range; what is left is room for sums over 2^24 pairs.
  const double reach = block.rows.u_nD.scalar_type() == at::kDouble ? 600 : 70;
  if (!((most_term - least_term) / 2 <= reach)) return {};
  return (most_term + least_term) / 2;
}

}  // namespace lodestone
