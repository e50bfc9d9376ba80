#include "trainer/negatives/all_triplets.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class AllTriplets {
 public:
  AllTriplets(const Group& world, const Group& scope, const TripletLossBase& loss, const RowSet& set)
      : world_(world),
        scope_(scope),
        loss_(loss),
        set_(set),
        members_{{&set}},
        walk_(scope, members_, relation_) {
    place_n_ = places_in_class(set.label_n);
    positives_ = set.size() == 0 ? 0 : place_n_.max().item<int64_t>();
    const auto options = set.u_nD.options().dtype(at::kDouble);
    threshold_nP_ = at::full({set.size(), positives_}, -kInfinity, options);
    slope_nP_ = at::zeros({set.size(), positives_}, options);
    totals_ = at::zeros({4}, options);
    cost_n_ = at::zeros({set.size()}, options);
    active_n_ = at::zeros({set.size()}, options);
  }

  LossOutcome solve() {
    for_each_pair(
        [&](const at::Tensor& row_p, const at::Tensor& ref_p, const Block& block, const PairList& pairs) {
          threshold_nP_.index_put_(
              {row_p, slot(row_p, ref_p)},
              pair_values(loss_.measure(), block.rows.u_nD, pairs.row_p, block.refs.u_nD, pairs.ref_p));
        });
    threshold_nP_ = share(threshold_nP_);
    walk_.run([&](const Block& block, bool) { fold(block); });
    totals_[0] = cost_n_.sum();
    totals_[1] = active_n_.sum();
    LossOutcome outcome;
    const Terms terms{
        {totals_[0]}, {loss_.counts_active() ? totals_[1] : totals_[2]}, totals_[1], totals_[2]};
    scale_ = reduce_terms(world_, terms, outcome)[0];
    slope_nP_ = share(slope_nP_).mul_(scale_);

    gradient_bD_ = at::zeros_like(set_.local_rows());
    walk_.run([&](const Block& block, bool) { push(block); });
    for_each_pair(
        [&](const at::Tensor& row_p, const at::Tensor& ref_p, const Block& block, const PairList& pairs) {
          const at::Tensor weight_p =
              slope_nP_.index({row_p, slot(row_p, ref_p)}) + slope_nP_.index({ref_p, slot(ref_p, row_p)});
          add_pair_gradient(loss_.measure(), weight_p, block.rows.u_nD, pairs.row_p, block.refs.u_nD,
                            pairs.ref_p, gradient_bD_);
        });
    at::Tensor same_sample = totals_[3].clone();
    world_.all_reduce(same_sample);
    outcome.same_sample = same_sample.item<double>();
    outcome.gradients_nD = {gradient_bD_};
    return outcome;
  }

 private:
  // Calls visit(row and ref indices of the set, block, pairs within the block's parts).
  template <typename Visit>
  void for_each_pair(Visit visit) {
    walk_.run([&](const Block& block, bool) {
      for (const auto& [row, rows] : block.relatives->stretches()) {
        PairList pairs = block.relatives->positives(row, rows);
        pairs.row_p.add_(row);
        visit(pairs.row_p + block.rows.first, pairs.ref_p + block.refs.first, block, pairs);
      }
    });
  }

  // Which of the anchor's positives the ref is.
  at::Tensor slot(const at::Tensor& anchor_p, const at::Tensor& ref_p) const {
    const at::Tensor mine_p = place_n_.index_select(0, anchor_p), other_p = place_n_.index_select(0, ref_p);
    return other_p - (mine_p < other_p).to(at::kLong);
  }

  at::Tensor share(const at::Tensor& x_nP) const {
    return scope_.all_gather(x_nP.narrow(0, set_.first, set_.local).contiguous(), set_.counts);
  }

  at::Tensor thresholds(const Part& part, int64_t row, int64_t rows, int64_t p, at::ScalarType type) const {
    return threshold_nP_.narrow(0, part.first + row, rows).select(1, p).to(type).unsqueeze(1);
  }

  void fold(const Block& block) {
    if (block.rows.size == 0 || block.refs.size == 0) return;
    count(block);
    TileWalk walk(block, loss_.measure(), 1);
    walk.run([&](const TileSpan& span, Worker& worker) {
      at::Tensor& value_rc = worker.value();
      const Exclusions& exclusions = worker.exclusions();
      exclusions.fill(value_rc, kInfinity);
      fold_side(block.rows, span.row, value_rc);
      if (span.both_sides) fold_side(block.refs, span.ref, value_rc.t());
    });
  }

  void fold_side(const Part& part, int64_t row, const at::Tensor& value_rc) {
    for (int64_t p = 0; p < positives_; ++p) {
      // -inf at pairs that don't count: they cost nothing.
      const at::Tensor x_rc =
          loss_.violation(thresholds(part, row, value_rc.size(0), p, value_rc.scalar_type()), value_rc);
      const at::Tensor cost_rc = loss_.cost(x_rc), slope_rc = loss_.slope(x_rc);
      const at::Tensor slope_r = slope_rc.sum(1);
      const auto own = [&](const at::Tensor& x_n) {
        return x_n.narrow(0, part.first + row, value_rc.size(0));
      };
      own(cost_n_).add_(cost_rc.sum(1));
      own(active_n_).add_(loss_.counts_active() ? slope_r : x_rc.clamp_min(0).sign_().sum(1));
      own(slope_nP_).select(1, p).add_(slope_r);
    }
  }

  void count(const Block& block) {
    const auto& counts = block.relatives->counts();
    const at::Tensor negatives_r = block.refs.size - counts.excluded_r;
    // A row's negatives here meet all its positives, wherever those are.
    const at::Tensor positives_r =
        (threshold_nP_.narrow(0, block.rows.first, block.rows.size) > -kInfinity).sum(1);
    totals_[2].add_((negatives_r * positives_r).sum());
    totals_[3].add_(counts.same_sample_r.sum());
  }

  void push(const Block& block) {
    if (block.rows.size == 0 || block.refs.size == 0) return;
    TileWalk walk(block, loss_.measure(), 1);
    walk.run([&](const TileSpan& span, Worker& worker) {
      at::Tensor& value_rc = worker.value();
      const Exclusions& exclusions = worker.exclusions();
      exclusions.fill(value_rc, kInfinity);
      at::Tensor weight_rc = worker.scratch(0).zero_();
      add_slopes(block.rows, span.row, value_rc, weight_rc);
      add_slopes(block.refs, span.ref, value_rc.t(), weight_rc.t());
      weight_rc.mul_(-scale_);
      prepare_pull(loss_.measure(), value_rc, weight_rc);
      const at::Tensor u_rD = span.rows_of(block.rows.u_nD), v_cD = span.refs_of(block.refs.u_nD);
      at::Tensor g_rD = gradient_bD_.narrow(0, span.row, span.rows);
      add_pull(loss_.measure(), weight_rc, u_rD, v_cD, g_rD);
      if (!span.both_sides) return;
      at::Tensor g_cD = gradient_bD_.narrow(0, span.ref, span.refs);
      add_pull(loss_.measure(), weight_rc.t(), v_cD, u_rD, g_cD);
    });
  }

  void add_slopes(const Part& part, int64_t row, const at::Tensor& value_rc, at::Tensor weight_rc) {
    for (int64_t p = 0; p < positives_; ++p)
      weight_rc.add_(loss_.slope(
          loss_.violation(thresholds(part, row, value_rc.size(0), p, value_rc.scalar_type()), value_rc)));
  }

  const Group& world_;
  const Group& scope_;
  const TripletLossBase& loss_;
  const RowSet& set_;
  std::vector<Member> members_;
  Relation relation_;
  BlockWalk walk_;
  int64_t positives_ = 0;
  at::Tensor place_n_, threshold_nP_, slope_nP_;
  at::Tensor cost_n_, active_n_;
  at::Tensor totals_;  ///< cost, active triplets, triplets, pairs of one sample
  at::Tensor gradient_bD_;
  double scale_ = 0;
};

}  // namespace

at::Tensor places_in_class(const at::Tensor& label_n) {
  const auto [sorted_n, order_n] = at::sort(label_n, /*stable=*/true, 0, false);
  const at::Tensor place_n =
      at::arange(label_n.size(0), label_n.options()) - at::searchsorted(sorted_n, sorted_n);
  return at::empty_like(label_n).index_put_({order_n}, place_n);
}

LossOutcome solve_all_triplets(const Group& world, const Group& scope, const TripletLossBase& loss,
                               const RowSet& set) {
  if (loss.needs_positive_negative())
    throw ConfigError(
        "triplet: swap compares positives with negatives, which the sum over all triplets does not; "
        "choose a miner (batch_hard, semi_hard) or swap: false");
  return AllTriplets(world, scope, loss, set).solve();
}

}  // namespace lodestone
