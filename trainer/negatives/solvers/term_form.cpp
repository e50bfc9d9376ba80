#include "trainer/negatives/solvers/term_form.h"

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/zeros.h>

namespace lodestone::negatives {

namespace {

// An upper bound of every pair's measure: Cauchy-Schwarz, or the triangle inequality for distances.
double largest_measure(losses::Measure measure, double u, double v) {
  if (measure == losses::Measure::kSimilarity) return u * v;
  return measure == losses::Measure::kL2 ? u + v : (u + v) * (u + v);
}

std::optional<double> common_shift(const losses::PairLoss& loss, double largest, at::ScalarType type) {
  const losses::Affine affine = loss.affine();
  const double high = std::abs(affine.scale) * largest,
               low = loss.measure() == losses::Measure::kSimilarity ? -high : 0;
  const auto [least_term, most_term] = loss.term_range(low + affine.bias, high + affine.bias);
  // exp(±87.3) is float32's normal range; the difference leaves room for sums over 2^24 pairs.
  const double reach = type == at::kDouble ? 600 : 70;
  if (!((most_term - least_term) / 2 <= reach)) return {};
  return (most_term + least_term) / 2;
}

}  // namespace

double TermForm::Line::nothing() const {
  return slope > 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

TermForm::TermForm(const losses::PairLoss& loss, const std::vector<Member>& members,
                   const std::vector<Relation>& relations, bool filtered)
    : exponential(loss.negative_sum() == losses::Sum::kLogExp), shift(0), stays(false) {
  if (!exponential) return;
  double largest = 0;
  for (const auto& relation : relations)
    largest = std::max(largest, largest_measure(loss.measure(), members[relation.rows].rows->longest,
                                                members[relation.references].rows->longest));
  shift = common_shift(loss, largest, members[0].rows->u_nD.scalar_type());
  const double slope = loss.constant_slope().value_or(0);
  if (!shift || slope == 0 || filtered) return;
  at::Tensor at_zero = at::zeros({1, 1}, at::kDouble);
  loss.negative_term(at_zero);
  line = {slope, at_zero.const_data_ptr<double>()[0] - *shift};
  stays = loss.measure() == losses::Measure::kSimilarity;
}

void shifted_exp(at::Tensor& x, double shift) {
  if (shift != 0) x.sub_(shift);
  x.exp_();
}

}  // namespace lodestone::negatives
