#include "trainer/negatives/dense_pairs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

at::Tensor fold_row_states(const GlobalRows& rows, const Loss& loss) {
  at::Tensor state_bk = loss.initial_state(rows.local, rows.max_positives, rows.u_BD.options());
  for (int pass = 0; pass < loss.passes(); ++pass) {
    for_each_tile(rows, [&](int64_t row, int64_t height, int64_t column, int64_t width) {
      Tile tile = rows.masks(rows.first + row, height, column, width);
      tile.value_rc = measure_tile(loss.measure(), rows.u_BD.narrow(0, rows.first + row, height),
                                   rows.u_BD.narrow(0, column, width));
      at::Tensor state_rk = state_bk.narrow(0, row, height);
      loss.fold(pass, tile, state_rk);
    });
  }
  return state_bk;
}

std::vector<at::Tensor> columns_of(const at::Tensor& state_rk, int64_t broadcast_axis) {
  std::vector<at::Tensor> columns;
  for (int64_t k = 0; k < state_rk.size(1); ++k) columns.push_back(state_rk.select(1, k).unsqueeze(broadcast_axis));
  return columns;
}

// The same tile with its refs as anchors: values and masks are symmetric, the ranks change places.
Tile other_side(Tile tile) {
  std::swap(tile.anchor_rank, tile.ref_rank);
  return tile;
}

}  // namespace

std::vector<double> reduce_terms(const Group& group, const Terms& terms, LossOutcome& outcome) {
  std::vector<at::Tensor> numbers;
  for (size_t i = 0; i < terms.sums.size(); ++i) {
    numbers.push_back(terms.sums[i].detach().to(at::kDouble));
    numbers.push_back(terms.counts[i].detach().to(at::kDouble));
  }
  numbers.push_back(terms.active.to(at::kDouble));
  numbers.push_back(terms.valid.to(at::kDouble));
  at::Tensor total = at::stack(numbers);
  group.all_reduce(total);
  const at::Tensor host = total.cpu();
  const double* value = host.const_data_ptr<double>();
  std::vector<double> scale;
  for (size_t i = 0; i < terms.sums.size(); ++i) {
    scale.push_back(value[2 * i + 1] > 0 ? 1.0 / value[2 * i + 1] : 0.0);
    outcome.loss += value[2 * i] * scale.back();
  }
  outcome.active = value[numbers.size() - 2];
  outcome.valid = value[numbers.size() - 1];
  return scale;
}

LossOutcome dense_loss(const Group& group, const GlobalRows& rows, const Loss& loss) {
  LossOutcome outcome;
  const at::Tensor state_bk = fold_row_states(rows, loss);
  const std::vector<double> scale = reduce_terms(group, loss.terms(state_bk.to(at::kDouble)), outcome);
  const at::Tensor state_Bk = group.all_gather(state_bk, rows.counts);

  outcome.gradient_bD = at::zeros_like(rows.local_rows());
  for_each_tile(rows, [&](int64_t row, int64_t height, int64_t column, int64_t width) {
    const at::Tensor u_rD = rows.u_BD.narrow(0, rows.first + row, height);
    const at::Tensor v_cD = rows.u_BD.narrow(0, column, width);
    Tile tile = rows.masks(rows.first + row, height, column, width);
    tile.value_rc = measure_tile(loss.measure(), u_rD, v_cD);
    const at::Tensor weight_rc =
        loss.weight(tile, columns_of(state_bk.narrow(0, row, height), 1), scale) +
        loss.weight(other_side(tile), columns_of(state_Bk.narrow(0, column, width), 0), scale);
    at::Tensor gradient_rD = outcome.gradient_bD.narrow(0, row, height);
    add_tile_gradient(loss.measure(), weight_rc, tile.value_rc, u_rD, v_cD, gradient_rD);
  });
  return outcome;
}

}  // namespace lodestone
