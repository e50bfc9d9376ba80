#include "trainer/negatives/solvers/all_triplets.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "trainer/negatives/kernels/measure.h"
#include "trainer/negatives/kernels/tile_search.h"
#include "trainer/negatives/solvers/positive_table.h"
#include "trainer/negatives/tiles/tile_walk.h"

namespace lodestone::negatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class AllTriplets {
 public:
  AllTriplets(const distributed::Group& world, AnchorWalk& walk, const losses::TripletLossBase& loss)
      : world_(world), walk_(walk), loss_(loss), set_(walk.rows()) {
    const miners::Positives table = positives_of(walk, loss.measure(), {}, /*everywhere=*/true);
    positive_nP_ = table.index_aP;
    const at::Tensor there_nP = positive_nP_ >= 0;
    positives_n_ = there_nP.sum(1);
    positive_value_Pn_ = at::where(there_nP, table.distance_aP, -kInfinity).t().to(set_.u_nD.scalar_type());
    positive_value_Pn_ = positive_value_Pn_.contiguous();
    const std::optional<double> margin = loss.hinge_margin();
    if (margin && set_.u_nD.device().is_cpu()) threshold_Pn_ = positive_value_Pn_ + *margin;
    const auto options = table.distance_aP.options();
    slope_Pn_ = at::zeros({positive_nP_.size(1), set_.size()}, options);
    cost_n_ = at::zeros({set_.size()}, options);
    active_n_ = at::zeros({set_.size()}, options);
    triplets_ = at::zeros({}, options);
    same_sample_ = at::zeros({}, options);
  }

  LossOutcome solve() {
    walk_.run([&](const AnchorBlock& e) { fold(e); });
    LossOutcome outcome;
    // With a hinge the slope of an active triplet is 1.
    const at::Tensor active = threshold_Pn_.defined() ? slope_Pn_.sum() : active_n_.sum();
    const losses::Terms terms{
        {cost_n_.sum()}, {loss_.counts_active() ? active : triplets_}, active, triplets_};
    scale_ = reduce_terms(world_, terms, outcome)[0];
    const at::Tensor slope_nP = shared_slopes().mul_(scale_);

    AnchorGradient gradient(walk_.scope(), set_, walk_.partial());
    walk_.run([&](const AnchorBlock& e) { push(e, gradient); });
    const at::Tensor there_t2 = (positive_nP_ >= 0).nonzero();
    const at::Tensor row_t = there_t2.select(1, 0), slot_t = there_t2.select(1, 1);
    walk_.add_gradient(loss_.measure(), {row_t, positive_nP_.index({row_t, slot_t})},
                       slope_nP.index({row_t, slot_t}), gradient);
    world_.all_reduce(same_sample_);
    outcome.same_sample = same_sample_.item<double>();
    outcome.gradients_nD = {gradient.finish()};
    return outcome;
  }

 private:
  int64_t width() const { return positive_nP_.size(1); }

  // Sums the slopes of every anchor and positive over all negatives.
  at::Tensor shared_slopes() const {
    const distributed::Group& scope = walk_.scope();
    if (!walk_.partial())
      return scope.all_gather(slope_Pn_.narrow(1, set_.first, set_.local).t().contiguous(), set_.counts);
    at::Tensor sum_nP = slope_Pn_.t().contiguous();
    scope.all_reduce(sum_nP);
    return sum_nP;
  }

  // The walk also counts triplets, and pairs of one sample.
  void count(const AnchorBlock& e) {
    const auto& counts = e.block.masks->counts();
    const at::Tensor negatives_r = e.block.references.size - counts.excluded_r;
    // Each negative of a row in this block forms a triplet with all positives of the row, in any block.
    const at::Tensor positives_r = positives_n_.narrow(0, e.block.rows.first, e.block.rows.size);
    triplets_.add_((negatives_r * positives_r).sum());
    same_sample_.add_(counts.same_sample_r.sum());
  }

  void fold(const AnchorBlock& e) {
    if (e.block.rows.size == 0 || e.block.references.size == 0) return;
    count(e);
    TileWalk tiles(e.block, loss_.measure(), 1);
    tiles.run([&](const TileSpan& span, Worker& worker) {
      worker.exclusions().fill(worker.value(), kInfinity);
      fold_end(worker.value(), End::kRow, e.block.rows.first + span.row);
      if (span.both_sides)
        fold_end(worker.value(), End::kReference, e.block.references.first + span.reference);
    });
  }

  void fold_end(const at::Tensor& value_rc, End end, int64_t first) {
    if (threshold_Pn_.defined()) {
      count_below(value_rc, end, first, threshold_Pn_, slope_Pn_, cost_n_);
      return;
    }
    const at::Tensor own_rc = end == End::kRow ? value_rc : value_rc.t();
    const auto own = [&](const at::Tensor& x_n) { return x_n.narrow(-1, first, own_rc.size(0)); };
    for (int64_t p = 0; p < width(); ++p) {
      // -inf at pairs that do not count: their cost is 0.
      const at::Tensor x_rc = loss_.violation(own(positive_value_Pn_[p]).unsqueeze(1), own_rc);
      own(slope_Pn_[p]).add_(loss_.slope(x_rc).sum(1));
      const at::Tensor cost_rc = loss_.cost(x_rc);
      own(cost_n_).add_(cost_rc.sum(1));
      own(active_n_).add_(cost_rc.sign().sum(1));
    }
  }

  void push(const AnchorBlock& e, AnchorGradient& gradient) {
    if (e.block.rows.size == 0 || e.block.references.size == 0) return;
    TileWalk tiles(e.block, loss_.measure(), 1);
    tiles.run([&](const TileSpan& span, Worker& worker) {
      at::Tensor& value_rc = worker.value();
      worker.exclusions().fill(value_rc, kInfinity);
      at::Tensor weight_rc = worker.scratch(0);
      weigh(e, span, value_rc, weight_rc);
      prepare_tile_gradient(loss_.measure(), value_rc, weight_rc);
      const at::Tensor u_rD = span.rows_of(e.block.rows.factors()),
                       v_cD = span.references_of(e.block.references.factors());
      at::Tensor g_rD = gradient.of(e).narrow(0, span.row, span.rows);
      add_tile_gradient(loss_.measure(), weight_rc, u_rD, v_cD, g_rD);
      if (!span.both_sides) return;
      at::Tensor g_cD = gradient.of(e).narrow(0, span.reference, span.references);
      add_tile_gradient(loss_.measure(), weight_rc.t(), v_cD, u_rD, g_cD);
    });
  }

  // dL/dvalue of a tile's pairs in their role as negatives, from each end that is an anchor.
  void weigh(const AnchorBlock& e, const TileSpan& span, const at::Tensor& value_rc, at::Tensor& weight_rc) {
    const int64_t first_row = e.block.rows.first + span.row,
                  first_reference = e.block.references.first + span.reference;
    if (threshold_Pn_.defined()) {
      weigh_below(value_rc, first_row, threshold_Pn_, first_reference,
                  e.both_learn ? threshold_Pn_ : at::Tensor(), -scale_, weight_rc);
      return;
    }
    weight_rc.zero_();
    for (int64_t p = 0; p < width(); ++p) {
      const auto slope = [&](int64_t first, int64_t size, const at::Tensor& x_rc) {
        return loss_.slope(loss_.violation(positive_value_Pn_[p].narrow(0, first, size).unsqueeze(1), x_rc));
      };
      weight_rc.add_(slope(first_row, span.rows, value_rc));
      if (e.both_learn) weight_rc.add_(slope(first_reference, span.references, value_rc.t()).t());
    }
    weight_rc.mul_(-scale_);
  }

  const distributed::Group& world_;
  AnchorWalk& walk_;
  const losses::TripletLossBase& loss_;
  const RowSet& set_;
  at::Tensor positive_nP_;  ///< numbers of the positives of all rows, -1 if a row has fewer
  at::Tensor positives_n_;  ///< number of positives of each row
  at::Tensor positive_value_Pn_,
      threshold_Pn_;     ///< -inf where a row has fewer; thresholds: only of a hinge, on a CPU
  at::Tensor slope_Pn_;  ///< Σ over the negatives on this rank of slope(violation)
  at::Tensor cost_n_, active_n_;
  at::Tensor triplets_, same_sample_;
  double scale_ = 0;
};

}  // namespace

LossOutcome solve_all_triplets(const distributed::Group& world, AnchorWalk& walk,
                               const losses::TripletLossBase& loss) {
  return AllTriplets(world, walk, loss).solve();
}

}  // namespace lodestone::negatives
