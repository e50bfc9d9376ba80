#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "trainer/negatives/measure.h"
#include "trainer/negatives/mined_tuples.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Pairs of one kind out of tuples: measured values and, in the end, dL/dvalue.
struct Pairs {
  at::Tensor i_t, j_t, value_t, weight_t;
};

Pairs measured(const RowSet& set, const Loss& loss, const at::Tensor& i_t, const at::Tensor& j_t) {
  const Affine affine = loss.affine();
  // What a tuple lacks is -1; its value is not used.
  Pairs pairs{i_t,
              j_t,
              pair_values(loss.measure(), set.u_nD, at::clamp_min(i_t, 0), set.u_nD, at::clamp_min(j_t, 0)),
              {}};
  pairs.value_t.mul_(affine.scale).add_(affine.bias);
  pairs.weight_t = at::zeros_like(pairs.value_t);
  return pairs;
}

at::Tensor or_zero(const at::Tensor& gradient, const at::Tensor& like) {
  return gradient.defined() ? gradient : at::zeros_like(like);
}

// Σ or log Σ exp of terms by anchor; differentiable.
at::Tensor sum_by_anchor(Sum kind, const at::Tensor& term_t, const at::Tensor& anchor_t, int64_t anchors) {
  const at::Tensor zero_a = at::zeros({anchors}, term_t.options());
  if (kind == Sum::kPlain) return zero_a.index_add(0, anchor_t, term_t);
  const at::Tensor shift_a =
      at::full({anchors}, -kInfinity, term_t.options()).scatter_reduce(0, anchor_t, term_t.detach(), "amax");
  const at::Tensor any_a = shift_a > -kInfinity;
  const at::Tensor base_a = at::where(any_a, shift_a, 0);
  const at::Tensor sum_a = zero_a.index_add(0, anchor_t, at::exp(term_t - base_a.index_select(0, anchor_t)));
  return at::where(any_a, base_a + at::log(at::where(any_a, sum_a, 1)), -kInfinity);
}

/// A pair loss over (anchor, positive) and (anchor, negative); fills both weights.
void differentiate_pairs(const Group& world, const RowSet& set, const PairLoss& loss, Pairs& positives,
                         Pairs& negatives, LossOutcome& outcome) {
  const at::Tensor positive_anchor_t = positives.i_t - set.first,
                   negative_anchor_t = negatives.i_t - set.first;
  at::Tensor term_t = negatives.value_t.clone();
  loss.negative_term(term_t);
  AnchorSums sums;
  sums.negative_a =
      sum_by_anchor(loss.negative_sum(), term_t, negative_anchor_t, set.local).requires_grad_(true);
  const auto count = [&](const at::Tensor& anchor_t) {
    return at::bincount(anchor_t, {}, set.local).to(at::kDouble);
  };
  sums.negatives_a = count(negative_anchor_t);
  sums.positives_a = count(positive_anchor_t);
  sums.active_negatives_a =
      sum_by_anchor(Sum::kPlain, (term_t > 0).to(at::kDouble), negative_anchor_t, set.local);

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
  const Terms terms = loss.terms(sums);
  const std::vector<double> scale = reduce_terms(world, terms, outcome);
  at::Tensor local = at::zeros({}, value_t.options());
  for (size_t part = 0; part < scale.size(); ++part) local = local + terms.sums[part] * scale[part];
  const auto found = torch::autograd::grad({local}, {value_t, sums.negative_a}, {}, false, false, true);

  at::NoGradGuard no_grad;
  positives.weight_t = or_zero(found[0], value_t);
  at::Tensor weight_t = or_zero(found[1], sums.negative_a).index_select(0, negative_anchor_t);
  if (loss.negative_sum() == Sum::kLogExp)
    weight_t.mul_(at::exp(term_t - sums.negative_a.detach().index_select(0, negative_anchor_t)));
  if (loss.constant_slope())
    weight_t.mul_(*loss.constant_slope());
  else
    loss.multiply_slope(negatives.value_t, weight_t);
  negatives.weight_t = weight_t;
}

void differentiate_triplets(const Group& world, const TripletLossBase& loss, Pairs& positives,
                            Pairs& negatives, Pairs* crossed, LossOutcome& outcome) {
  at::AutoGradMode with_grad(true);
  torch::autograd::variable_list leaves = {positives.value_t.requires_grad_(true),
                                           negatives.value_t.requires_grad_(true)};
  if (crossed) leaves.push_back(crossed->value_t.requires_grad_(true));
  const Terms terms = loss.triplet_terms({leaves[0], leaves[1], crossed ? leaves[2] : at::Tensor()});
  const std::vector<double> scale = reduce_terms(world, terms, outcome);
  const auto found = torch::autograd::grad({terms.sums[0] * scale[0]}, leaves, {}, false, false, true);
  positives.weight_t = or_zero(found[0], leaves[0]);
  negatives.weight_t = or_zero(found[1], leaves[1]);
  if (crossed) crossed->weight_t = or_zero(found[2], leaves[2]);
}

// Adds weight · dmeasure(u_i, u_j)/du_i to the rows i that are mine.
void apply(const RowSet& set, Measure measure, const at::Tensor& i_t, const at::Tensor& j_t,
           const at::Tensor& weight_t, at::Tensor& gradient_bD) {
  const at::Tensor mine_t =
      at::logical_and(at::logical_and(i_t >= set.first, i_t < set.first + set.local), weight_t != 0);
  const at::Tensor my_i_t = i_t.index({mine_t}) - set.first, my_j_t = j_t.index({mine_t});
  add_pair_gradient(measure, weight_t.index({mine_t}), set.local_rows(), my_i_t, set.u_nD, my_j_t,
                    gradient_bD);
}

// All ranks' pairs, each applied from both its ends.
void exchange_and_apply(const Group& scope, const RowSet& set, const Loss& loss, const Pairs& pairs,
                        LossOutcome& outcome) {
  const std::vector<int64_t> counts = scope.gather_counts(pairs.i_t.size(0));
  const at::Tensor index_t2 = scope.all_gather(at::stack({pairs.i_t, pairs.j_t}, 1), counts);
  const at::Tensor weight_t =
      scope.all_gather(pairs.weight_t.detach().contiguous(), counts) * loss.affine().scale;
  const at::Tensor i_t = index_t2.select(1, 0), j_t = index_t2.select(1, 1);
  apply(set, loss.measure(), i_t, j_t, weight_t, outcome.gradients_nD[0]);
  apply(set, loss.measure(), j_t, i_t, weight_t, outcome.gradients_nD[0]);
}

Pairs some(const Pairs& pairs, const at::Tensor& keep_t) {
  return {pairs.i_t.index({keep_t}), pairs.j_t.index({keep_t}), pairs.value_t.index({keep_t}),
          pairs.weight_t.index({keep_t})};
}

}  // namespace

LossOutcome solve_tuples(const Group& world, const Group& scope, const RowSet& set, const Loss& loss,
                         const Tuples& tuples) {
  LossOutcome outcome;
  outcome.gradients_nD = {at::zeros_like(set.local_rows())};
  std::vector<Pairs> kinds = {measured(set, loss, tuples.anchor_t, tuples.positive_t),
                              measured(set, loss, tuples.anchor_t, tuples.negative_t)};
  if (const auto* pairs = dynamic_cast<const PairLoss*>(&loss)) {
    kinds[0] = some(kinds[0], tuples.positive_t >= 0);
    kinds[1] = some(kinds[1], tuples.negative_t >= 0);
    differentiate_pairs(world, set, *pairs, kinds[0], kinds[1], outcome);
  } else {
    const auto& triplets = dynamic_cast<const TripletLossBase&>(loss);
    if (triplets.needs_positive_negative())
      kinds.push_back(measured(set, loss, tuples.positive_t, tuples.negative_t));
    differentiate_triplets(world, triplets, kinds[0], kinds[1], kinds.size() > 2 ? &kinds[2] : nullptr,
                           outcome);
  }
  const Affine affine = loss.affine();
  at::Tensor numbers = at::zeros({2}, set.u_nD.options().dtype(at::kDouble));
  for (const Pairs& pairs : kinds) {
    exchange_and_apply(scope, set, loss, pairs, outcome);
    const at::Tensor weight_t = pairs.weight_t.detach();
    numbers[0].add_((weight_t * ((pairs.value_t.detach() - affine.bias) / affine.scale)).sum());
    numbers[1].add_(weight_t.sum());
  }
  world.all_reduce(numbers);
  const at::Tensor host = numbers.cpu();
  outcome.affine = {host[0].item<double>(), host[1].item<double>()};
  return outcome;
}

}  // namespace lodestone
