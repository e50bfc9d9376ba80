#include "trainer/negatives/solvers/pair_solver.h"

#include <algorithm>
#include <array>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include "trainer/negatives/kernels/measure.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Memory for the tiles that pass 1 keeps for pass 2, so that pass 2 need not form them again. Limited to what
// malloc reuses without asking the system: fresh pages from the system cost more than the kept tiles save.
constexpr int64_t kKeptBytes = int64_t{30} << 20;

/// The state of a member in the solver. All tensors cover the whole set; `share` fills in the rows of other
/// ranks.
struct State {
  State(const losses::PairLoss& loss, const TermForm& form, const RowSet& set)
      : negatives(form, set), positives(loss.positive_sums(), set) {}

  NegativeSums negatives;
  PositiveSums positives;
  PositiveSide positive_side;
  AnchorSide anchor_side;
  PairFilter filter;
  at::Tensor negative_coefficient_n;
};

class Solver {
 public:
  Solver(const distributed::Group& world, const distributed::Group& scope, const losses::PairLoss& loss,
         const std::vector<Member>& members, const std::vector<Relation>& relations, bool mines)
      : world_(world),
        scope_(scope),
        loss_(loss),
        members_(members),
        relations_(relations),
        form_(loss, members, relations, mines) {
    const at::Tensor& u_nD = members[0].rows->u_nD;
    if (u_nD.device().is_cpu()) room_ = kKeptBytes / static_cast<int64_t>(u_nD.dtype().itemsize());
    for (const auto& member : members) states_.emplace_back(loss, form_, *member.rows);
    for (const auto& relation : relations) walks_.emplace_back(scope, members, relation, &room_);
  }

  void mine(const miners::PairMiner& miner);
  void sum_negatives();
  void sum_positives();
  void differentiate_terms();
  void differentiate_positives();
  void differentiate_negatives();
  LossOutcome finish();

 private:
  // Calls visit(block, member of its rows, member of its references, whether the rows' results are partial).
  template <typename Visit>
  void for_blocks(const Relation& relation, Visit visit) {
    walks_[static_cast<size_t>(&relation - relations_.data())].run([&](const Block& block, bool swapped) {
      visit(block, swapped ? relation.references : relation.rows,
            swapped ? relation.rows : relation.references);
    });
  }
  bool partial(const Relation& relation) const { return members_[relation.references].sharded; }
  // Gathers the values of own rows on all ranks of the scope.
  at::Tensor share(const Member& member, const at::Tensor& x_n) const {
    if (member.sharded) return x_n;
    return scope_.all_gather(x_n.narrow(0, member.rows->first, member.rows->local).contiguous(),
                             member.rows->counts);
  }
  at::Tensor own(const Member& member, const at::Tensor& x_n) const {
    return x_n.narrow(0, member.rows->first, member.rows->local);
  }
  bool anchors(size_t member) const { return members_[member].anchors; }
  PositiveSide side_of(size_t member) const {
    return anchors(member) ? states_[member].positive_side : PositiveSide{};
  }
  at::Tensor& gradient_of(const Relation& relation, size_t member);

  const distributed::Group& world_;
  const distributed::Group& scope_;
  const losses::PairLoss& loss_;
  const std::vector<Member>& members_;
  const std::vector<Relation>& relations_;
  TermForm form_;
  int64_t room_ = 0;  ///< numbers of tiles that may still be kept for the next pass
  std::vector<State> states_;
  std::vector<BlockWalk> walks_;
  LossOutcome outcome_;
  std::vector<at::Tensor> gradients_;          ///< gradients of own rows
  std::vector<at::Tensor> partial_gradients_;  ///< gradients of all rows by the pairs of this rank's shards
  double weight_sum_ = 0;
};

void Solver::mine(const miners::PairMiner& miner) {
  const double direction = loss_.measure() == losses::Measure::kSimilarity ? 1 : -1;
  const auto options = members_[0].rows->u_nD.options().dtype(at::kDouble);
  std::vector<at::Tensor> nearest, farthest;
  for (const auto& member : members_) {
    nearest.push_back(at::full({member.rows->size()}, -kInfinity, options));
    farthest.push_back(at::full({member.rows->size()}, kInfinity, options));
  }
  for (const auto& relation : relations_) {
    for_blocks(relation, [&](const Block& block, size_t rows, size_t references) {
      fold_nearest(loss_, block, direction, anchors(rows) ? &nearest[rows] : nullptr,
                   block.to_references && anchors(references) ? &nearest[references] : nullptr);
      if (anchors(rows)) fold_farthest(loss_, block, direction, farthest[rows]);
      if (block.to_references && anchors(references))
        fold_farthest(loss_, block.exchanged(), direction, farthest[references]);
    });
    if (partial(relation) && anchors(relation.rows)) {
      scope_.all_reduce(nearest[relation.rows], distributed::ReduceOp::kMax);
      scope_.all_reduce(farthest[relation.rows], distributed::ReduceOp::kMin);
    }
  }
  for (size_t m = 0; m < members_.size(); ++m) {
    if (!anchors(m)) continue;
    // The miner uses distances (a similarity negated); here the same numbers are direction · value.
    const losses::Affine affine = loss_.affine();
    const auto distance = [&](const at::Tensor& x_n) {
      return (x_n * direction - affine.bias) / (-direction * affine.scale);
    };
    const auto closeness = [&](const at::Tensor& d_n) {
      return (d_n * (-direction * affine.scale) + affine.bias) * direction;
    };
    const auto [negative_n, positive_n] =
        miner.thresholds(distance(share(members_[m], farthest[m])), distance(share(members_[m], nearest[m])));
    states_[m].filter = {direction, closeness(negative_n), closeness(positive_n)};
    states_[m].positive_side.filter = states_[m].anchor_side.filter = &states_[m].filter;
  }
}

void Solver::sum_negatives() {
  for (const auto& relation : relations_) {
    std::optional<NegativeSums> found;
    if (partial(relation)) found.emplace(form_, *members_[relation.rows].rows);
    for_blocks(relation, [&](const Block& block, size_t rows, size_t references) {
      NegativeSums* row_sums = found ? &*found : &states_[rows].negatives;
      fold_negatives(loss_, form_, block, anchors(rows) ? row_sums : nullptr,
                     block.to_references && anchors(references) ? &states_[references].negatives : nullptr,
                     states_[rows].anchor_side.filter, states_[references].anchor_side.filter);
    });
    if (!partial(relation) || !anchors(relation.rows)) continue;
    found->reduce(scope_);
    states_[relation.rows].negatives.add(*found);
  }
  for (size_t m = 0; m < members_.size(); ++m) {
    if (!anchors(m)) continue;
    const at::Tensor value_n = share(members_[m], states_[m].negatives.value());
    states_[m].positive_side.negative_n = states_[m].anchor_side.sum_n = value_n;
  }
}

void Solver::sum_positives() {
  for (const auto& relation : relations_) {
    PositiveSums found(loss_.positive_sums(), *members_[relation.rows].rows);
    for_blocks(relation, [&](const Block& block, size_t rows, size_t references) {
      PositiveSums& row_sums = partial(relation) ? found : states_[rows].positives;
      if (anchors(rows)) fold_positives(loss_, block, side_of(rows), side_of(references), row_sums);
      if (block.to_references && anchors(references))
        fold_positives(loss_, block.exchanged(), side_of(references), side_of(rows),
                       states_[references].positives);
    });
    if (!partial(relation) || !anchors(relation.rows)) continue;
    found.reduce(scope_);
    states_[relation.rows].positives.add(found);
  }
}

void Solver::differentiate_terms() {
  // The own anchors of all members, concatenated.
  std::vector<at::Tensor> negative, active, negatives, positive, positives;
  for (size_t m = 0; m < members_.size(); ++m) {
    if (!anchors(m)) continue;
    State& state = states_[m];
    state.positive_side.positive_nk = state.positives.value();
    negative.push_back(own(members_[m], state.anchor_side.sum_n));
    active.push_back(own(members_[m], state.negatives.active_n));
    negatives.push_back(own(members_[m], state.negatives.count_n));
    positive.push_back(own(members_[m], state.positive_side.positive_nk));
    positives.push_back(own(members_[m], state.positives.count_n));
    outcome_.same_sample += own(members_[m], state.negatives.same_sample_n).sum().item<double>();
  }
  const auto joined = [](const std::vector<at::Tensor>& x) { return x.size() == 1 ? x[0] : at::cat(x); };
  at::AutoGradMode with_grad(true);
  const auto leaf = [](const at::Tensor& x) { return x.detach().requires_grad_(true); };
  const losses::AnchorSums sums{leaf(joined(negative)), joined(active), joined(negatives),
                                leaf(joined(positive)), joined(positives)};
  const losses::Terms terms = loss_.terms(sums);
  const std::vector<double> scale = reduce_terms(world_, terms, outcome_);
  torch::autograd::variable_list parts, weights;
  for (size_t part = 0; part < scale.size(); ++part) {
    if (!terms.sums[part].requires_grad()) continue;
    parts.push_back(terms.sums[part]);
    weights.push_back(at::full({}, scale[part], terms.sums[part].options()));
  }
  const torch::autograd::variable_list leaves = {sums.negative_a, sums.positive_ak};
  const auto found = parts.empty()
                         ? torch::autograd::variable_list(leaves.size())
                         : torch::autograd::grad(parts, leaves, weights, false, false, /*allow_unused=*/true);
  at::NoGradGuard no_grad;
  int64_t begin = 0;
  for (size_t m = 0; m < members_.size(); ++m) {
    if (!anchors(m)) continue;
    State& state = states_[m];
    const RowSet& rows = *members_[m].rows;
    const auto spread = [&](const at::Tensor& gradient, const at::Tensor& like_n) {
      at::Tensor all_n = at::zeros_like(like_n);
      if (gradient.defined()) own(members_[m], all_n).copy_(gradient.narrow(0, begin, rows.local));
      return all_n;
    };
    state.negative_coefficient_n = spread(found[0], state.anchor_side.sum_n);
    state.positive_side.coefficient_nk =
        share(members_[m], spread(found[1], state.positive_side.positive_nk));
    state.positive_side.positive_nk = share(members_[m], state.positive_side.positive_nk);
    begin += rows.local;
  }
}

at::Tensor& Solver::gradient_of(const Relation& relation, size_t member) {
  auto& list = partial(relation) && member == relation.rows ? partial_gradients_ : gradients_;
  return list[member];
}

void Solver::differentiate_positives() {
  gradients_.resize(members_.size());
  partial_gradients_.resize(members_.size());
  for (size_t m = 0; m < members_.size(); ++m)
    if (members_[m].learns) gradients_[m] = at::zeros_like(members_[m].rows->local_rows());
  for (const auto& relation : relations_) {
    const Member& row_member = members_[relation.rows];
    at::Tensor found_n =
        at::zeros({row_member.rows->size()}, row_member.rows->u_nD.options().dtype(at::kDouble));
    if (partial(relation) && row_member.learns && !partial_gradients_[relation.rows].defined())
      partial_gradients_[relation.rows] = at::zeros_like(row_member.rows->u_nD);
    for_blocks(relation, [&](const Block& block, size_t rows, size_t references) {
      PositiveGradient gradient;
      gradient.want_weight_sum = !loss_.parameters().empty();
      gradient.rows_nD = gradient_of(relation, rows);
      gradient.row_negative_n = partial(relation) ? found_n : states_[rows].negative_coefficient_n;
      if (block.to_references) {
        gradient.references_nD = gradient_of(relation, references);
        gradient.reference_negative_n = states_[references].negative_coefficient_n;
      }
      add_positive_gradient(loss_, block, side_of(rows), side_of(references), gradient);
      weight_sum_ += gradient.weight_sum / (block.square || block.mirrored ? 2 : 1);
    });
    if (!partial(relation) || !anchors(relation.rows)) continue;
    scope_.all_reduce(found_n);
    states_[relation.rows].negative_coefficient_n.add_(found_n);
  }
  for (size_t m = 0; m < members_.size(); ++m)
    if (anchors(m))
      states_[m].anchor_side.coefficient_n = share(members_[m], states_[m].negative_coefficient_n);
}

void Solver::differentiate_negatives() {
  const bool learns_bias = !loss_.parameters().empty();
  for (const auto& relation : relations_) {
    for_blocks(relation, [&](const Block& block, size_t rows, size_t references) {
      const at::Tensor none;
      at::Tensor row_gradient = gradient_of(relation, rows),
                 reference_gradient = block.to_references ? gradient_of(relation, references) : none;
      weight_sum_ += add_negative_gradient(loss_, form_, block, states_[rows].anchor_side,
                                           states_[references].anchor_side, row_gradient, reference_gradient,
                                           learns_bias);
    });
  }
}

LossOutcome Solver::finish() {
  const double scale = loss_.affine().scale;
  // Σ w · measure over pairs is ½ Σ ⟨u, Σ_j (w_ij + w_ji) v_j⟩ where both ends learn: no extra pass is needed
  // for dL/dscale.
  double scale_gradient = 0;
  const auto inner = [&](const at::Tensor& u_nD, const at::Tensor& g_nD) {
    return g_nD.defined() ? (u_nD * g_nD).sum(at::kDouble).item<double>() : 0.0;
  };
  for (const auto& relation : relations_) {
    if (loss_.parameters().empty()) break;
    const size_t r = relation.rows;
    if (partial(relation)) {
      scale_gradient += inner(members_[r].rows->u_nD, partial_gradients_[r]);
    } else {
      const bool both_learn = relation.same() || members_[relation.references].learns;
      scale_gradient += inner(members_[r].rows->local_rows(), gradients_[r]) / (both_learn ? 2 : 1);
      if (!relation.same())
        scale_gradient +=
            inner(members_[relation.references].rows->local_rows(), gradients_[relation.references]) / 2;
    }
  }
  for (size_t m = 0; m < members_.size(); ++m) {
    if (partial_gradients_[m].defined()) {
      const at::Tensor own_nD = scope_.reduce_scatter(partial_gradients_[m], members_[m].rows->counts);
      gradients_[m].add_(own_nD);
    }
    if (gradients_[m].defined() && scale != 1) gradients_[m].mul_(scale);
  }
  std::array<double, 3> numbers = {scale_gradient, weight_sum_, outcome_.same_sample};
  if (world_.size() > 1) {
    at::Tensor all = at::from_blob(numbers.data(), {3}, at::kDouble).to(members_[0].rows->u_nD.device());
    world_.all_reduce(all);
    const at::Tensor host = all.cpu();
    std::copy_n(host.const_data_ptr<double>(), 3, numbers.begin());
  }
  outcome_.affine = {numbers[0], numbers[1]};
  outcome_.same_sample = numbers[2];
  outcome_.gradients_nD = gradients_;
  return outcome_;
}

}  // namespace

std::vector<double> reduce_terms(const distributed::Group& group, const losses::Terms& terms,
                                 LossOutcome& outcome) {
  std::vector<at::Tensor> numbers;
  for (size_t i = 0; i < terms.sums.size(); ++i) {
    numbers.push_back(terms.sums[i].detach().to(at::kDouble));
    numbers.push_back(terms.counts[i].detach().to(at::kDouble));
  }
  numbers.push_back(terms.active.detach().to(at::kDouble));
  numbers.push_back(terms.valid.detach().to(at::kDouble));
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

LossOutcome solve_pairs(const distributed::Group& world, const distributed::Group& scope,
                        const losses::PairLoss& loss, const miners::PairMiner* miner,
                        const std::vector<Member>& members, const std::vector<Relation>& relations) {
  Solver solver(world, scope, loss, members, relations, miner != nullptr);
  if (miner) solver.mine(*miner);
  solver.sum_negatives();
  solver.sum_positives();
  solver.differentiate_terms();
  solver.differentiate_positives();
  solver.differentiate_negatives();
  return solver.finish();
}

}  // namespace lodestone::negatives
