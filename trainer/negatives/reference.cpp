#include "trainer/negatives/reference.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "trainer/losses/reduction.h"
#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

struct PairMatrix {
  at::Tensor value_BB, positive_BB, negative_BB, slot_BB;
};

// Every pair from the difference of its rows, and masks straight from their definitions.
PairMatrix pair_matrix(const LocalRows& rows, const at::Tensor& u_BD, Measure measure) {
  const int64_t size = u_BD.size(0);
  const auto same = [](const at::Tensor& x_B) { return x_B.unsqueeze(1) == x_B.unsqueeze(0); };
  const at::Tensor self_BB = at::eye(size, u_BD.options().dtype(at::kBool));
  PairMatrix matrix;
  matrix.value_BB = measure_pairs(measure, u_BD.repeat_interleave(size, 0), u_BD.repeat({size, 1})).view({size, size});
  matrix.positive_BB = at::logical_and(same(rows.label_b), at::logical_not(self_BB));
  matrix.negative_BB = at::logical_and(at::logical_not(same(rows.group_b)), at::logical_not(same(rows.id_b)));
  // Which of its anchor's positives, in order: the number of positives before it.
  matrix.slot_BB = matrix.positive_BB.cumsum(1) - 1;
  return matrix;
}

at::Tensor loss_of_tuples(const Loss& loss, const at::Tensor& u_BD, const Tuples& tuples) {
  const auto rows = [&](const at::Tensor& index_t) { return u_BD.index_select(0, at::clamp_min(index_t, 0)); };
  const auto value = [&](const at::Tensor& i_t, const at::Tensor& j_t) {
    return measure_pairs(loss.measure(), rows(i_t), rows(j_t));
  };
  TupleValues values{value(tuples.anchor_t, tuples.positive_t), value(tuples.anchor_t, tuples.negative_t), {},
                     tuples.positive_t >= 0, tuples.negative_t >= 0};
  if (loss.needs_positive_negative()) values.positive_negative_t = value(tuples.positive_t, tuples.negative_t);
  return combine(loss.tuple_terms(values));
}

}  // namespace

ReferenceLoss reference_loss(const LocalRows& rows, const Objective& objective,
                             const std::optional<Tuples>& explicit_tuples) {
  at::AutoGradMode with_grad(true);
  const at::Tensor z_BD = rows.z_bD.detach().clone().requires_grad_(true);
  const at::Tensor u_BD = objective.normalize ? normalised(z_BD) : z_BD;
  const Measure measure = objective.loss.measure();
  ReferenceLoss reference;
  at::Tensor loss;
  if (explicit_tuples) {
    reference.tuples = *explicit_tuples;
    loss = loss_of_tuples(objective.loss, u_BD, reference.tuples);
  } else {
    const PairMatrix matrix = pair_matrix(rows, u_BD, measure);
    if (objective.miner.takes_all()) {
      loss = objective.loss.reference(matrix.value_BB, matrix.positive_BB, matrix.negative_BB);
    } else {
      const at::Tensor distance_BB = measure == Measure::kSimilarity ? -matrix.value_BB : matrix.value_BB;
      const int64_t most_positives = matrix.positive_BB.sum(1).max().item<int64_t>();
      MiningState state = objective.miner.initial_state(z_BD.size(0), most_positives, z_BD.options());
      for (int pass = 0; pass < objective.miner.passes(); ++pass)
        objective.miner.fold(pass, {distance_BB.detach(), matrix.positive_BB, matrix.negative_BB, matrix.slot_BB, 0}, state);
      reference.tuples = objective.miner.tuples(at::arange(z_BD.size(0), rows.label_b.options()), state);
      loss = loss_of_tuples(objective.loss, u_BD, reference.tuples);
    }
  }
  reference.loss = loss.item<double>();
  reference.gradient_BD = loss.requires_grad() ? torch::autograd::grad({loss}, {z_BD}, {}, false, false, true)[0] : at::Tensor();
  if (!reference.gradient_BD.defined()) reference.gradient_BD = at::zeros_like(z_BD);
  return reference;
}

}  // namespace lodestone
