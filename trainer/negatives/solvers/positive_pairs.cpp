#include "trainer/negatives/solvers/positive_pairs.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor exp_or_zero(const at::Tensor& x, const at::Tensor& shift) {
  return at::exp(at::where(x > -kInfinity, x - shift, -kInfinity));
}

// The positives of a range of rows with their values.
PairValues values_of(const losses::Loss& loss, const Block& block, int64_t row, int64_t rows) {
  const losses::Affine affine = loss.affine();
  PairValues found{block.masks->positives(row, rows), {}, {}, {}};
  PairList& pairs = found.pairs;
  if (pairs.size() == 0) return found;
  if (row > 0) pairs.row_p.add_(row);
  found.value_p =
      pair_values(loss.measure(), block.rows.u_nD, pairs.row_p, block.references.u_nD, pairs.reference_p);
  if (affine.scale != 1) found.value_p.mul_(affine.scale);
  if (affine.bias != 0) found.value_p.add_(affine.bias);
  const auto within_set = [](const at::Tensor& x_p, const Part& part) {
    return part.first == 0 ? x_p : x_p + part.first;
  };
  found.row_p = within_set(pairs.row_p, block.rows);
  found.reference_p = within_set(pairs.reference_p, block.references);
  return found;
}

template <typename Visit>
void for_each_chunk(const losses::Loss& loss, const Block& block, Visit visit) {
  if (block.rows.size == 0 || block.references.size == 0) return;
  const auto row_ranges = block.masks->row_ranges();
  for (const auto& [row, rows] : row_ranges) {
    std::optional<PairValues> fresh;
    // Positives that fit one range are computed once and kept.
    std::optional<PairValues>& kept = block.kept && row_ranges.size() == 1 ? block.kept_pairs() : fresh;
    if (!kept) kept = values_of(loss, block, row, rows);
    if (kept->pairs.size() > 0) visit(*kept);
  }
}

at::Tensor negative_of(const PositiveSide& side, const at::Tensor& index_p) {
  return side.negative_n.defined() ? side.negative_n.index_select(0, index_p) : at::Tensor();
}

// 1 for the pairs that a side's pair miner keeps; undefined for all.
at::Tensor kept(const PositiveSide& side, const at::Tensor& index_p, const at::Tensor& value_p) {
  if (!side.filter) return {};
  return (side.filter->direction * value_p < side.filter->positive_upper_bound_n.index_select(0, index_p))
      .to(at::kDouble);
}

// dL/d(term) of each pair and column with `side` as anchor: c, or c · exp(term - sum) for log-sum-exps;
// detached.
at::Tensor term_weights(const losses::PairLoss& loss, const PositiveSide& side, const at::Tensor& index_p,
                        const at::Tensor& term_pk, const at::Tensor& kept_p) {
  at::Tensor weight_pk = side.coefficient_nk.index_select(0, index_p);
  const auto kinds = loss.positive_sums();
  for (size_t k = 0; k < kinds.size(); ++k) {
    if (kinds[k] != losses::Sum::kLogExp) continue;
    const auto column = static_cast<int64_t>(k);
    const at::Tensor sum_p = side.positive_nk.select(1, column).index_select(0, index_p);
    const at::Tensor term_p = term_pk.detach().select(1, column);
    // Only with a miner can a row have no term.
    weight_pk.select(1, column).mul_(
        kept_p.defined() ? exp_or_zero(term_p, at::where(sum_p > -kInfinity, sum_p, kInfinity))
                         : (term_p - sum_p).exp_());
  }
  if (kept_p.defined()) weight_pk.mul_(kept_p.unsqueeze(1));
  return weight_pk;
}

}  // namespace

PositiveSums::PositiveSums(const std::vector<losses::Sum>& sums, const RowSet& set) : kinds(sums) {
  const auto options = set.u_nD.options().dtype(at::kDouble);
  const auto k = static_cast<int64_t>(kinds.size());
  sum_nk = at::zeros({set.size(), k}, options);
  shift_nk = at::full({set.size(), k}, -kInfinity, options);
  count_n = at::zeros({set.size()}, options);
}

void PositiveSums::add_pairs(const at::Tensor& row_p, const at::Tensor& term_pk) {
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    at::Tensor sum_n = sum_nk.select(1, k), shift_n = shift_nk.select(1, k);
    const at::Tensor term_p = term_pk.select(1, k);
    if (kinds[i] == losses::Sum::kPlain) {
      sum_n.index_add_(0, row_p, term_p);
      continue;
    }
    const at::Tensor new_n = shift_n.scatter_reduce(0, row_p, term_p, "amax");
    if (!fresh) sum_n.mul_(exp_or_zero(shift_n, new_n));
    sum_n.index_add_(0, row_p, exp_or_zero(term_p, new_n.index_select(0, row_p)));
    shift_n.copy_(new_n);
  }
  fresh = false;
  count_n.index_add_(0, row_p, at::ones_like(row_p, count_n.options()));
}

void PositiveSums::add(const PositiveSums& other) {
  fresh = false;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    at::Tensor sum_n = sum_nk.select(1, k), shift_n = shift_nk.select(1, k);
    const at::Tensor other_sum_n = other.sum_nk.select(1, k), other_shift_n = other.shift_nk.select(1, k);
    if (kinds[i] == losses::Sum::kPlain) {
      sum_n.add_(other_sum_n);
      continue;
    }
    const at::Tensor new_n = at::maximum(shift_n, other_shift_n);
    sum_n.copy_(sum_n * exp_or_zero(shift_n, new_n) + other_sum_n * exp_or_zero(other_shift_n, new_n));
    shift_n.copy_(new_n);
  }
  count_n.add_(other.count_n);
}

void PositiveSums::reduce(const distributed::Group& group) {
  at::Tensor shift = shift_nk.clone();
  group.all_reduce(shift, distributed::ReduceOp::kMax);
  for (size_t k = 0; k < kinds.size(); ++k) {
    const auto column = static_cast<int64_t>(k);
    if (kinds[k] == losses::Sum::kLogExp)
      sum_nk.select(1, column).mul_(exp_or_zero(shift_nk.select(1, column), shift.select(1, column)));
  }
  shift_nk = shift;
  group.all_reduce(sum_nk);
  group.all_reduce(count_n);
}

at::Tensor PositiveSums::value() const {
  at::Tensor value_nk = sum_nk.clone();
  for (size_t k = 0; k < kinds.size(); ++k) {
    const auto column = static_cast<int64_t>(k);
    if (kinds[k] == losses::Sum::kLogExp)
      value_nk.select(1, column).copy_(shift_nk.select(1, column) + at::log(sum_nk.select(1, column)));
  }
  return value_nk;
}

void fold_positives(const losses::PairLoss& loss, const Block& block, const PositiveSide& rows,
                    const PositiveSide& references, PositiveSums& sums) {
  for_each_chunk(loss, block, [&](const PairValues& pairs) {
    const at::Tensor term_pk = loss.positive_terms(pairs.value_p, negative_of(rows, pairs.row_p),
                                                   negative_of(references, pairs.reference_p));
    const at::Tensor kept_p = kept(rows, pairs.row_p, pairs.value_p);
    if (!kept_p.defined()) {
      sums.add_pairs(pairs.row_p, term_pk);
      return;
    }
    const at::Tensor keep = kept_p > 0;
    sums.add_pairs(pairs.row_p.index({keep}), term_pk.index({keep}));
  });
}

void fold_farthest(const losses::Loss& loss, const Block& block, double direction, at::Tensor& farthest_n) {
  for_each_chunk(loss, block, [&](const PairValues& pairs) {
    farthest_n.copy_(farthest_n.scatter_reduce(0, pairs.row_p, direction * pairs.value_p, "amin"));
  });
}

void add_positive_gradient(const losses::PairLoss& loss, const Block& block, const PositiveSide& rows,
                           const PositiveSide& references, PositiveGradient& gradient) {
  // A square block lists each pair from both ends: one term each, whose gradient goes to both rows.
  const bool once = block.square && !loss.reads_reference_sums();
  at::AutoGradMode with_grad(true);
  for_each_chunk(loss, block, [&](const PairValues& pairs) {
    const at::Tensor value_p = pairs.value_p.detach().requires_grad_(true);
    at::Tensor n_row_p = negative_of(rows, pairs.row_p),
               n_reference_p = negative_of(references, pairs.reference_p);
    torch::autograd::variable_list leaves = {value_p};
    for (at::Tensor* n_p : {&n_row_p, &n_reference_p})
      if (n_p->defined()) leaves.push_back(n_p->requires_grad_(true));

    torch::autograd::variable_list terms, weights;
    const auto add_anchor = [&](const PositiveSide& side, const at::Tensor& index_p, const at::Tensor& own,
                                const at::Tensor& other) {
      if (!side.coefficient_nk.defined()) return;
      const at::Tensor term_pk = loss.positive_terms(value_p, own, other);
      if (!term_pk.requires_grad()) return;
      const at::NoGradGuard no_grad;
      weights.push_back(term_weights(loss, side, index_p, term_pk, kept(side, index_p, pairs.value_p)));
      terms.push_back(term_pk);
    };
    add_anchor(rows, pairs.row_p, n_row_p, n_reference_p);
    if (!once) add_anchor(references, pairs.reference_p, n_reference_p, n_row_p);
    if (terms.empty()) return;
    const auto found = torch::autograd::grad(terms, leaves, weights, false, false, /*allow_unused=*/true);

    at::NoGradGuard no_grad;
    size_t next = 1;
    if (n_row_p.defined() && found[next++].defined() && gradient.row_negative_n.defined())
      gradient.row_negative_n.index_add_(0, pairs.row_p, found[next - 1]);
    if (n_reference_p.defined() && found[next++].defined() && gradient.reference_negative_n.defined())
      gradient.reference_negative_n.index_add_(0, pairs.reference_p, found[next - 1]);
    if (!found[0].defined()) return;
    if (gradient.want_weight_sum) gradient.weight_sum += (once ? 2 : 1) * found[0].sum().item<double>();
    if (gradient.rows_nD.defined())
      add_pair_gradient(loss.measure(), found[0], block.rows.u_nD, pairs.pairs.row_p, block.references.u_nD,
                        pairs.pairs.reference_p, gradient.rows_nD);
    at::Tensor& references_nD = once ? gradient.rows_nD : gradient.references_nD;
    if (references_nD.defined())
      add_pair_gradient(loss.measure(), found[0], block.references.u_nD, pairs.pairs.reference_p,
                        block.rows.u_nD, pairs.pairs.row_p, references_nD);
  });
}

}  // namespace lodestone::negatives
