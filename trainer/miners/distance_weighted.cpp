#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/lt.h>

#include "trainer/miners/miner.h"
#include "trainer/miners/pair_random.h"

namespace lodestone::miners {

namespace {

/// Distance-weighted sampling (Wu, Manmatha, Smola and Krähenbühl, "Sampling matters in deep embedding
/// learning", 2017): for each positive one negative, drawn with probability proportional to
///
///   w(d) = min(1 / q(cutoff), 1 / q(d)),   q(d) = d^(D-2) · (1 - d²/4)^((D-3)/2),
///
/// q being the density of distances between random points on the unit sphere; negatives at
/// nonzero_loss_cutoff or farther are never drawn. Needs Euclidean distances of normalised embeddings.
///
/// The draw is an exponential race: of independent times E_n / w_n with E_n ~ Exp(1), n has the least with
/// probability w_n / Σ w. A race needs no sum over the row, so that tiles may come in any order. Only the
/// times' order within a row matters and logarithms keep it: log E - log w is compared, for w itself
/// overflows for large D.
class DistanceWeightedMiner : public DrawingMiner {
 public:
  void visit(Fields& f) override {
    f.field({.name = "cutoff",
             .doc = "nearer negatives are drawn as if they were at this distance",
             .min = 0.01,
             .max = 2.0},
            &cutoff_);
    f.field({.name = "nonzero_loss_cutoff",
             .doc = "negatives at this distance or farther are not drawn",
             .min = 0.01,
             .max = 2.0},
            &farthest_);
  }

  Positives slots(const Positives& all) const override { return all; }
  bool needs_unit_l2() const override { return true; }

  /// log E + log q as (D-3)/2 · log(d² (1 - d²/4)) + log(E d): logarithms are most of the time.
  at::Tensor score(const Candidates& tile) const override {
    // 0 where a negative may be drawn, +inf elsewhere. As floats, since bool tensors cost several times as
    // much on a CPU.
    at::Tensor bar_rc = at::empty_like(tile.distance_rc);
    at::lt_out(bar_rc, tile.distance_rc, farthest_).reciprocal_().sub_(1);
    at::Tensor raised_rc = drawn_distance(tile.distance_rc);
    at::Tensor score_rc = pair_uniform(tile.anchor_key_r, tile.reference_key_c).to(raised_rc.scalar_type());
    score_rc.neg_().log1p_().neg_().mul_(raised_rc).log_();
    raised_rc.mul_(raised_rc);
    at::Tensor density_rc = raised_rc.mul(-0.25);
    density_rc.add_(1).mul_(raised_rc).log_().mul_(static_cast<double>(tile.width - 3) / 2);
    return score_rc.add_(density_rc).add_(bar_rc);
  }

 private:
  /// Distances raised to the cutoff. Those that cannot be drawn are lowered, and all are kept below 2, where
  /// log q is finite: -inf plus an infinite bar would be NaN.
  at::Tensor drawn_distance(const at::Tensor& distance_rc) const {
    constexpr double kBelowDiameter = 1.9999;
    return distance_rc.clamp(std::min(cutoff_, kBelowDiameter), std::min(farthest_, kBelowDiameter));
  }

  double cutoff_ = 0.5;
  double farthest_ = 1.4;
};

}  // namespace

std::unique_ptr<Miner> make_distance_weighted_miner() {
  return std::make_unique<DistanceWeightedMiner>();
}

}  // namespace lodestone::miners
