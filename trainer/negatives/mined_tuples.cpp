#include "trainer/negatives/mined_tuples.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

// Tuples whose rows are gathered at a time: bounds the memory.
constexpr int64_t kTupleChunk = 1 << 14;

// dL/dvalue of each of a tuple's three pairs; 0 where the tuple lacks the pair.
struct Coefficients {
  at::Tensor positive_t, negative_t, positive_negative_t;
};

at::Tensor value_of(const GlobalRows& rows, Measure measure, const at::Tensor& i_t, const at::Tensor& j_t) {
  at::Tensor value_t = at::zeros({i_t.size(0)}, rows.u_BD.options());
  for (int64_t begin = 0; begin < i_t.size(0); begin += kTupleChunk) {
    const int64_t size = std::min(kTupleChunk, i_t.size(0) - begin);
    const auto row = [&](const at::Tensor& index_t) {
      return rows.u_BD.index_select(0, at::clamp_min(index_t.narrow(0, begin, size), 0));
    };
    value_t.narrow(0, begin, size).copy_(measure_pairs(measure, row(i_t), row(j_t)));
  }
  return value_t;
}

Coefficients differentiate(const Group& group, const GlobalRows& rows, const Loss& loss, const Tuples& tuples,
                           LossOutcome& outcome) {
  at::AutoGradMode with_grad(true);
  const auto leaf = [&](const at::Tensor& i_t, const at::Tensor& j_t) {
    return value_of(rows, loss.measure(), i_t, j_t).requires_grad_(true);
  };
  TupleValues values;
  values.has_positive_t = tuples.positive_t >= 0;
  values.has_negative_t = tuples.negative_t >= 0;
  values.positive_t = leaf(tuples.anchor_t, tuples.positive_t);
  values.negative_t = leaf(tuples.anchor_t, tuples.negative_t);
  torch::autograd::variable_list leaves = {values.positive_t, values.negative_t};
  if (loss.needs_positive_negative()) {
    values.positive_negative_t = leaf(tuples.positive_t, tuples.negative_t);
    leaves.push_back(values.positive_negative_t);
  }
  const Terms terms = loss.tuple_terms(values);
  const std::vector<double> scale = reduce_terms(group, terms, outcome);
  at::Tensor local = at::zeros({}, rows.u_BD.options());
  for (size_t i = 0; i < scale.size(); ++i) local = local + terms.sums[i] * scale[i];
  auto gradients = torch::autograd::grad({local}, leaves, {}, false, false, true);
  gradients.resize(3);
  for (auto& gradient : gradients)
    if (!gradient.defined()) gradient = at::zeros_like(values.positive_t.detach());
  return {at::where(values.has_positive_t, gradients[0], 0), at::where(values.has_negative_t, gradients[1], 0),
          gradients[2]};
}

// Adds coefficient · dmeasure(u_i, u_j)/du_i to the rows i that are mine.
void apply(const GlobalRows& rows, Measure measure, const at::Tensor& i_t, const at::Tensor& j_t,
           const at::Tensor& coefficient_t, at::Tensor& gradient_bD) {
  const at::Tensor mine_t = at::logical_and(at::logical_and(i_t >= rows.first, i_t < rows.first + rows.local),
                                            coefficient_t != 0);
  const at::Tensor my_i_t = i_t.index({mine_t}), my_j_t = j_t.index({mine_t}), my_c_t = coefficient_t.index({mine_t});
  for (int64_t begin = 0; begin < my_i_t.size(0); begin += kTupleChunk) {
    const int64_t size = std::min(kTupleChunk, my_i_t.size(0) - begin);
    const at::Tensor i = my_i_t.narrow(0, begin, size);
    const at::Tensor u_tD = rows.u_BD.index_select(0, i);
    const at::Tensor v_tD = rows.u_BD.index_select(0, my_j_t.narrow(0, begin, size));
    at::Tensor c_t1 = my_c_t.narrow(0, begin, size).unsqueeze(1);
    at::Tensor slope_tD;
    if (measure == Measure::kSimilarity) {
      slope_tD = v_tD;
    } else {
      const at::Tensor distance_t1 = measure_pairs(measure, u_tD, v_tD).unsqueeze(1);
      slope_tD = measure == Measure::kSquaredL2 ? 2 * (u_tD - v_tD)
                                                : at::where(distance_t1 > 0, (u_tD - v_tD) / distance_t1, 0);
    }
    gradient_bD.index_add_(0, i - rows.first, c_t1 * slope_tD);
  }
}

}  // namespace

Tuples mine(const GlobalRows& rows, const Miner& miner, Measure measure) {
  MiningState state = miner.initial_state(rows.local, rows.max_positives, rows.u_BD.options());
  for (int pass = 0; pass < miner.passes(); ++pass) {
    for_each_tile(rows, [&](int64_t row, int64_t height, int64_t column, int64_t width) {
      const Tile tile = rows.masks(rows.first + row, height, column, width);
      const at::Tensor value_rc = measure_tile(measure, rows.u_BD.narrow(0, rows.first + row, height),
                                               rows.u_BD.narrow(0, column, width));
      MiningState block{state.distance_rk.narrow(0, row, height), state.index_rk.narrow(0, row, height)};
      miner.fold(pass, {measure == Measure::kSimilarity ? -value_rc : value_rc, tile.positive_rc, tile.negative_rc,
                        tile.positive_slot(), column},
                 block);
    });
  }
  return miner.tuples(at::arange(rows.first, rows.first + rows.local, rows.label_B.options()), state);
}

LossOutcome tuple_loss(const Group& group, const GlobalRows& rows, const Loss& loss, const Tuples& tuples) {
  LossOutcome outcome;
  const Coefficients mine = differentiate(group, rows, loss, tuples, outcome);
  const std::vector<int64_t> counts = group.gather_counts(tuples.anchor_t.size(0));
  const at::Tensor index_t3 =
      group.all_gather(at::stack({tuples.anchor_t, tuples.positive_t, tuples.negative_t}, 1), counts);
  const at::Tensor coefficient_t3 =
      group.all_gather(at::stack({mine.positive_t, mine.negative_t, mine.positive_negative_t}, 1), counts);

  outcome.gradient_bD = at::zeros_like(rows.local_rows());
  // Pairs (anchor, positive), (anchor, negative), (positive, negative), each from both ends.
  static constexpr int kEnds[3][2] = {{0, 1}, {0, 2}, {1, 2}};
  for (int pair = 0; pair < 3; ++pair) {
    const at::Tensor i_t = index_t3.select(1, kEnds[pair][0]), j_t = index_t3.select(1, kEnds[pair][1]);
    const at::Tensor c_t = coefficient_t3.select(1, pair);
    apply(rows, loss.measure(), i_t, j_t, c_t, outcome.gradient_bD);
    apply(rows, loss.measure(), j_t, i_t, c_t, outcome.gradient_bD);
  }
  return outcome;
}

}  // namespace lodestone
