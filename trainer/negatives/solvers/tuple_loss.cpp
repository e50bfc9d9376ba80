#include <limits>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "trainer/negatives/solvers/mined_tuples.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The kinds of pairs in tuples, in this order in lists and columns of weights.
enum Kind : int64_t { kPositive, kNegative, kCrossed };

/// Pairs of one kind: their values and, after the backward pass, dL/dvalue.
struct Pairs {
  at::Tensor anchor_t, value_t, weight_t;
};

at::Tensor or_zero(const at::Tensor& gradient, const at::Tensor& like) {
  return gradient.defined() ? gradient : at::zeros_like(like);
}

// Σ or log Σ exp of terms by anchor; differentiable.
at::Tensor sum_by_anchor(losses::Sum kind, const at::Tensor& term_t, const at::Tensor& anchor_t,
                         int64_t anchors) {
  const at::Tensor zero_a = at::zeros({anchors}, term_t.options());
  if (kind == losses::Sum::kPlain) return zero_a.index_add(0, anchor_t, term_t);
  const at::Tensor shift_a =
      at::full({anchors}, -kInfinity, term_t.options()).scatter_reduce(0, anchor_t, term_t.detach(), "amax");
  const at::Tensor any_a = shift_a > -kInfinity;
  const at::Tensor base_a = at::where(any_a, shift_a, 0);
  const at::Tensor sum_a = zero_a.index_add(0, anchor_t, at::exp(term_t - base_a.index_select(0, anchor_t)));
  return at::where(any_a, base_a + at::log(at::where(any_a, sum_a, 1)), -kInfinity);
}

/// Computes a pair loss over (anchor, positive) and (anchor, negative), and the weights of both.
void differentiate_pairs(const distributed::Group& world, const RowSet& set, const losses::PairLoss& loss,
                         Pairs& positives, Pairs& negatives, LossOutcome& outcome) {
  const at::Tensor positive_anchor_t = positives.anchor_t - set.first,
                   negative_anchor_t = negatives.anchor_t - set.first;
  at::Tensor term_t = negatives.value_t.clone();
  loss.negative_term(term_t);
  losses::AnchorSums sums;
  sums.negative_a =
      sum_by_anchor(loss.negative_sum(), term_t, negative_anchor_t, set.local).requires_grad_(true);
  const auto count = [&](const at::Tensor& anchor_t) {
    return at::bincount(anchor_t, {}, set.local).to(at::kDouble);
  };
  sums.negatives_a = count(negative_anchor_t);
  sums.positives_a = count(positive_anchor_t);
  sums.active_negatives_a =
      sum_by_anchor(losses::Sum::kPlain, (term_t > 0).to(at::kDouble), negative_anchor_t, set.local);

  at::AutoGradMode with_grad(true);
  const at::Tensor value_t = positives.value_t.detach().requires_grad_(true);
  const at::Tensor term_tk =
      loss.positive_terms(value_t, sums.negative_a.index_select(0, positive_anchor_t), {});
  std::vector<at::Tensor> columns;
  const auto kinds = loss.positive_sums();
  for (size_t k = 0; k < kinds.size(); ++k)
    columns.push_back(
        sum_by_anchor(kinds[k], term_tk.select(1, static_cast<int64_t>(k)), positive_anchor_t, set.local));
  sums.positive_ak = at::stack(columns, 1);
  const losses::Terms terms = loss.terms(sums);
  const std::vector<double> scale = reduce_terms(world, terms, outcome);
  at::Tensor local = at::zeros({}, value_t.options());
  for (size_t part = 0; part < scale.size(); ++part) local = local + terms.sums[part] * scale[part];
  const auto found = torch::autograd::grad({local}, {value_t, sums.negative_a}, {}, false, false, true);

  at::NoGradGuard no_grad;
  positives.weight_t = or_zero(found[0], value_t);
  at::Tensor weight_t = or_zero(found[1], sums.negative_a).index_select(0, negative_anchor_t);
  if (loss.negative_sum() == losses::Sum::kLogExp)
    weight_t.mul_(at::exp(term_t - sums.negative_a.detach().index_select(0, negative_anchor_t)));
  if (loss.constant_slope())
    weight_t.mul_(*loss.constant_slope());
  else
    loss.multiply_slope(negatives.value_t, weight_t);
  negatives.weight_t = weight_t;
}

at::Tensor differentiate_triplets(const distributed::Group& world, const losses::TripletLossBase& loss,
                                  const at::Tensor& value_kt, LossOutcome& outcome) {
  at::AutoGradMode with_grad(true);
  const at::Tensor leaf_kt = value_kt.detach().requires_grad_(true);
  const losses::Terms terms =
      loss.triplet_terms({leaf_kt[kPositive], leaf_kt[kNegative],
                          leaf_kt.size(0) > kCrossed ? leaf_kt[kCrossed] : at::Tensor()});
  const std::vector<double> scale = reduce_terms(world, terms, outcome);
  return torch::autograd::grad({terms.sums[0] * scale[0]}, {leaf_kt})[0];
}

// All pairs of some tuples, ordered by kind. In a crossed pair (positive, negative) the row is the positive,
// which then is a row of the batch.
NumberedPairs pairs_of(const miners::Tuples& tuples, bool crossed) {
  std::vector<at::Tensor> rows = {tuples.anchor_t, tuples.anchor_t},
                          references = {tuples.positive_t, tuples.negative_t};
  if (crossed) {
    rows.push_back(tuples.positive_t);
    references.push_back(tuples.negative_t);
  }
  return {at::cat(rows), at::cat(references)};
}

/// The tuples of this rank's anchors, and those of all ranks.
struct Exchanged {
  Exchanged(const distributed::Group& scope, const miners::Tuples& tuples)
      : own(tuples), counts(scope.gather_counts(tuples.anchor_t.size(0))) {
    const at::Tensor all_t3 =
        scope.all_gather(at::stack({own.anchor_t, own.positive_t, own.negative_t}, 1), counts);
    all = {all_t3.select(1, 0).contiguous(), all_t3.select(1, 1).contiguous(),
           all_t3.select(1, 2).contiguous()};
    first = std::accumulate(counts.begin(), counts.begin() + scope.rank(), int64_t{0});
  }

  miners::Tuples own, all;
  std::vector<int64_t> counts;
  int64_t first = 0;  ///< this rank's first tuple
};

// The measures of the pairs of this rank's tuples: [kinds, t].
at::Tensor measured(AnchorWalk& walk, losses::Measure measure, const Exchanged& tuples, bool crossed) {
  const int64_t kinds = crossed ? 3 : 2, own = tuples.own.anchor_t.size(0);
  // The rank of the shard computes a pair with a shard; the rank of the positive computes a crossed pair.
  if (!walk.partial() && (!crossed || walk.scope().size() == 1))
    return walk.values(measure, pairs_of(tuples.own, crossed)).view({kinds, own});
  at::Tensor value_kt = walk.values(measure, pairs_of(tuples.all, crossed));
  walk.scope().all_reduce(value_kt);
  return value_kt.view({kinds, -1}).narrow(1, tuples.first, own);
}

Pairs some(const at::Tensor& anchor_t, const at::Tensor& value_t, const at::Tensor& keep_t) {
  return {anchor_t.index({keep_t}), value_t.index({keep_t}), {}};
}

// dL/dvalue of the pairs of this rank's tuples, [kinds, t]; 0 for the pairs that a tuple lacks.
at::Tensor differentiate(const distributed::Group& world, const RowSet& set, const losses::Loss& loss,
                         const miners::Tuples& tuples, const at::Tensor& value_kt, LossOutcome& outcome) {
  if (const auto* triplets = loss.as_triplets())
    return differentiate_triplets(world, *triplets, value_kt, outcome);
  const at::Tensor is_positive_t = tuples.positive_t >= 0, is_negative_t = tuples.negative_t >= 0;
  Pairs positives = some(tuples.anchor_t, value_kt[kPositive], is_positive_t),
        negatives = some(tuples.anchor_t, value_kt[kNegative], is_negative_t);
  differentiate_pairs(world, set, *loss.as_pairs(), positives, negatives, outcome);
  at::Tensor weight_kt = at::zeros_like(value_kt);
  weight_kt[kPositive].index_put_({is_positive_t}, positives.weight_t.detach());
  weight_kt[kNegative].index_put_({is_negative_t}, negatives.weight_t.detach());
  return weight_kt;
}

}  // namespace

LossOutcome solve_tuples(const distributed::Group& world, AnchorWalk& walk, const losses::Loss& loss,
                         const miners::Tuples& tuples) {
  const auto* triplets = loss.as_triplets();
  const bool crossed = triplets && triplets->needs_positive_negative();
  const losses::Affine affine = loss.affine();
  const Exchanged exchanged(walk.scope(), tuples);
  const at::Tensor measure_kt = measured(walk, loss.measure(), exchanged, crossed);
  LossOutcome outcome;
  const at::Tensor weight_kt =
      differentiate(world, walk.rows(), loss, tuples, measure_kt * affine.scale + affine.bias, outcome);

  AnchorGradient gradient(walk.scope(), walk.rows(), walk.partial());
  const at::Tensor all_weight_kt =
      walk.scope().all_gather(weight_kt.t().contiguous(), exchanged.counts).t() * affine.scale;
  walk.add_gradient(loss.measure(), pairs_of(exchanged.all, crossed), all_weight_kt.reshape(-1), gradient);
  outcome.gradients_nD = {gradient.finish()};

  at::Tensor numbers = at::stack({(weight_kt * measure_kt).sum(), weight_kt.sum()});
  world.all_reduce(numbers);
  const at::Tensor host = numbers.cpu();
  outcome.affine = {host[0].item<double>(), host[1].item<double>()};
  return outcome;
}

}  // namespace lodestone::negatives
