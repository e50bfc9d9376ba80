#include "trainer/negatives/oracle.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argmin.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "trainer/losses/reduction.h"
#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Rows as leaves of the graph, and the normalised rows that the loss sees.
struct Tower {
  at::Tensor z_nD, u_nD, label_n, group_n, id_n;
};

Tower tower_of(const LocalRows& rows, bool normalize, bool learns) {
  const at::Tensor z_nD = rows.z_bD.detach().clone().requires_grad_(learns);
  return {z_nD, normalize ? normalised(z_nD) : z_nD, rows.label_b, rows.group_b, rows.id_b};
}

Tower tower_of(const RowSet& rows) {
  const at::Tensor u_nD = rows.u_nD.detach().clone().requires_grad_(true);
  return {u_nD, u_nD, rows.label_n, rows.group_n, rows.id_n};
}

/// Anchors × references: values, and how often each pair counts as a positive and as a negative.
struct Matrix {
  at::Tensor value_ac, positive_ac, negative_ac;
};

enum class Compared { kItself, kOther, kPast };

// Every pair is computed from the difference of its rows, and masks directly from their definitions.
Matrix matrix_of(const Tower& a, const Tower& c, Compared compared, losses::Measure measure) {
  const int64_t rows = a.u_nD.size(0), references = c.u_nD.size(0);
  const auto same = [](const at::Tensor& x_a, const at::Tensor& y_c) {
    return x_a.unsqueeze(1) == y_c.unsqueeze(0);
  };
  Matrix matrix;
  matrix.value_ac = measure_pairs(measure, a.u_nD.repeat_interleave(references, 0), c.u_nD.repeat({rows, 1}))
                        .view({rows, references});
  at::Tensor positive_ac = same(a.label_n, c.label_n);
  if (compared == Compared::kItself)
    positive_ac = at::logical_and(positive_ac, at::logical_not(at::eye(rows, positive_ac.options())));
  if (compared == Compared::kPast)
    positive_ac = at::logical_and(positive_ac, at::logical_not(same(a.id_n, c.id_n)));
  const auto type = matrix.value_ac.scalar_type();
  matrix.positive_ac = positive_ac.to(type);
  matrix.negative_ac =
      at::logical_and(at::logical_not(same(a.group_n, c.group_n)), at::logical_not(same(a.id_n, c.id_n)))
          .to(type);
  return matrix;
}

Matrix transposed(const Matrix& m) {
  return {m.value_ac.t(), m.positive_ac.t(), m.negative_ac.t()};
}

// Adds references for the same anchors.
Matrix beside(const Matrix& a, const Matrix& b) {
  return {at::cat({a.value_ac, b.value_ac}, 1), at::cat({a.positive_ac, b.positive_ac}, 1),
          at::cat({a.negative_ac, b.negative_ac}, 1)};
}

// Adds anchors with references of their own.
Matrix below(const Matrix& a, const Matrix& b) {
  const int64_t width = std::max(a.value_ac.size(1), b.value_ac.size(1));
  const auto stack = [&](const at::Tensor& x, const at::Tensor& y) {
    const int64_t pad_x[] = {0, width - x.size(1)}, pad_y[] = {0, width - y.size(1)};
    return at::cat({at::constant_pad_nd(x, pad_x), at::constant_pad_nd(y, pad_y)});
  };
  return {stack(a.value_ac, b.value_ac), stack(a.positive_ac, b.positive_ac),
          stack(a.negative_ac, b.negative_ac)};
}

void keep_mined(const miners::PairMiner& miner, losses::Measure measure, Matrix& m) {
  const at::Tensor distance_ac =
      (measure == losses::Measure::kSimilarity ? -m.value_ac : m.value_ac).detach();
  const auto [negative_a, positive_a] =
      miner.thresholds(at::where(m.positive_ac > 0, distance_ac, -kInfinity).amax(1).to(at::kDouble),
                       at::where(m.negative_ac > 0, distance_ac, kInfinity).amin(1).to(at::kDouble));
  m.negative_ac = m.negative_ac * (distance_ac < negative_a.unsqueeze(1));
  m.positive_ac = m.positive_ac * (distance_ac > positive_a.unsqueeze(1));
}

// The candidate with the lowest score, for one slot of one anchor.
at::Tensor scores(const miners::TripletMiner& miner, const miners::Positives& slots, int64_t slot,
                  const at::Tensor& distance_1c, const at::Tensor& anchor_key_1,
                  const at::Tensor& reference_key_c, int64_t width) {
  if (const auto* drawing = miner.as_drawing())
    return drawing->score({distance_1c, anchor_key_1, reference_key_c, width})[0];
  const miners::NearestMiner::Bounds bounds = miner.as_nearest()->bounds(slots.distance_aP);
  const at::Tensor between_1c =
      at::logical_and(distance_1c > bounds.beyond_aS[0][slot], distance_1c < bounds.within_aS[0][slot]);
  return at::where(between_1c, distance_1c, kInfinity)[0];
}

// Mines each anchor from its row of the matrix.
miners::Tuples mined(const miners::TripletMiner& miner, const Matrix& m, losses::Measure measure,
                     const Tower& rows, const at::Tensor& reference_id_c, const Draw& draw) {
  const MiningKeys keys = mining_keys(rows.id_n, reference_id_c, draw);
  const at::Tensor distance_ac =
      (measure == losses::Measure::kSimilarity ? -m.value_ac : m.value_ac).detach();
  std::vector<at::Tensor> anchor, positive, negative;
  for (int64_t a = 0; a < distance_ac.size(0); ++a) {
    const at::Tensor index_P = m.positive_ac[a].nonzero().select(1, 0);
    const miners::Positives slots =
        miner.slots({distance_ac[a].index_select(0, index_P).unsqueeze(0), index_P.unsqueeze(0)});
    const at::Tensor candidate_1c = at::where(m.negative_ac[a] > 0, distance_ac[a], kInfinity).unsqueeze(0);
    for (int64_t s = 0; s < slots.index_aP.size(1); ++s) {
      if (slots.index_aP[0][s].item<int64_t>() < 0) continue;
      const at::Tensor score_c =
          scores(miner, slots, s, candidate_1c, keys.of(a, slots.index_aP.select(1, s)), keys.reference_n,
                 rows.u_nD.size(1));
      const at::Tensor best = score_c.argmin();
      if (score_c[best.item<int64_t>()].item<double>() == kInfinity) continue;
      anchor.push_back(at::full({}, a, rows.label_n.options()));
      positive.push_back(slots.index_aP[0][s]);
      negative.push_back(best);
    }
  }
  if (anchor.empty()) {
    const at::Tensor none = at::zeros({0}, rows.label_n.options());
    return {none, none, none};
  }
  return {at::stack(anchor), at::stack(positive), at::stack(negative)};
}

at::Tensor loss_of_tuples(const losses::Loss& loss, const Matrix& m, const miners::Tuples& tuples) {
  if (const auto* triplets = loss.as_triplets()) {
    const auto value = [&](const at::Tensor& i_t, const at::Tensor& j_t) {
      return m.value_ac.index({i_t, j_t});
    };
    return losses::combine(triplets->triplet_terms(
        {value(tuples.anchor_t, tuples.positive_t), value(tuples.anchor_t, tuples.negative_t),
         triplets->needs_positive_negative() ? value(tuples.positive_t, tuples.negative_t) : at::Tensor()}));
  }
  // How often each pair occurs.
  const auto times = [&](const at::Tensor& reference_t) {
    const at::Tensor given_t = reference_t >= 0;
    at::Tensor count_ac = at::zeros_like(m.value_ac.detach());
    const at::Tensor i_t = tuples.anchor_t.index({given_t}), j_t = reference_t.index({given_t});
    return count_ac.index_put_({i_t, j_t}, at::full({i_t.size(0)}, 1, count_ac.options()),
                               /*accumulate=*/true);
  };
  return loss.oracle(m.value_ac, times(tuples.positive_t), times(tuples.negative_t));
}

at::Tensor or_zero(const at::Tensor& gradient, const at::Tensor& like) {
  return gradient.defined() ? gradient : at::zeros_like(like);
}

// Mines from the columns of one anchor's row of the matrix.
at::Tensor reference_ids(const Tower& rows, const std::optional<Tower>& second,
                         const std::optional<Tower>& shard) {
  const at::Tensor id_n = second ? second->id_n : rows.id_n;
  return shard ? at::cat({id_n, shard->id_n}) : id_n;
}

Matrix whole_matrix(const Objective& objective, const StepInput& input, const Tower& rows,
                    const std::optional<Tower>& second, const std::optional<Tower>& shard) {
  const losses::Measure measure = objective.loss.measure();
  switch (objective.loss.pairing()) {
    case losses::Pairing::kProxies:
      return matrix_of(rows, *shard, Compared::kOther, measure);
    case losses::Pairing::kProxyAnchors:
      return transposed(matrix_of(rows, *shard, Compared::kOther, measure));
    default: {
      Matrix matrix = second ? matrix_of(rows, *second, Compared::kOther, measure)
                             : matrix_of(rows, rows, Compared::kItself, measure);
      if (shard) matrix = beside(matrix, matrix_of(rows, *shard, Compared::kPast, measure));
      return second && input.second_learns
                 ? below(matrix, matrix_of(*second, rows, Compared::kOther, measure))
                 : matrix;
    }
  }
}

}  // namespace

OracleLoss oracle_loss(const LocalRows& local, const Objective& objective, const StepInput& input) {
  at::AutoGradMode with_grad(true);
  const Tower rows = tower_of(local, objective.normalize, true);
  std::optional<Tower> second, shard;
  if (input.second) second = tower_of(*input.second, objective.normalize, input.second_learns);
  if (input.shard) shard = tower_of(*input.shard);
  Matrix matrix = whole_matrix(objective, input, rows, second, shard);
  OracleLoss oracle;
  const auto* triplet_miner = objective.miner.as_triplets();
  if (input.tuples)
    oracle.tuples = *input.tuples;
  else if (triplet_miner)
    oracle.tuples = mined(*triplet_miner, matrix, objective.loss.measure(), rows,
                          reference_ids(rows, second, shard), input.draw);
  if (const auto* miner = objective.miner.as_pairs()) keep_mined(*miner, objective.loss.measure(), matrix);

  const losses::Affine affine = objective.loss.affine();
  const at::Tensor scale = at::full({}, affine.scale, rows.z_nD.options()).requires_grad_(true);
  const at::Tensor bias = at::full({}, affine.bias, rows.z_nD.options()).requires_grad_(true);
  matrix.value_ac = matrix.value_ac * scale + bias;
  const at::Tensor loss =
      input.tuples || triplet_miner
          ? loss_of_tuples(objective.loss, matrix, oracle.tuples)
          : objective.loss.oracle(matrix.value_ac, matrix.positive_ac, matrix.negative_ac);
  oracle.loss = loss.item<double>();
  torch::autograd::variable_list leaves = {rows.z_nD, scale, bias};
  if (second && input.second_learns) leaves.push_back(second->z_nD);
  if (shard) leaves.push_back(shard->z_nD);
  auto found = loss.requires_grad() ? torch::autograd::grad({loss}, leaves, {}, false, false, true)
                                    : torch::autograd::variable_list(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) found[i] = or_zero(found[i], leaves[i].detach());
  oracle.gradient_BD = found[0];
  oracle.parameter_gradients =
      objective.loss.parameter_gradients({found[1].item<double>(), found[2].item<double>()});
  if (second && input.second_learns) oracle.second_gradient_BD = found[3];
  if (shard) oracle.shard_gradient_nD = found.back();
  return oracle;
}

}  // namespace lodestone::negatives
