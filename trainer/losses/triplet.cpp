#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/full.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/where.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

#include "trainer/losses/reduction.h"

namespace lodestone {

namespace {

/// Triplet loss: L = mean over triplets of max(0, margin + d(a,p) - d(a,n)) (Weinberger & Saul 2009; Schroff et al. 2015),
/// or with `soft_margin` of log(1 + exp(d(a,p) - d(a,n))) (Hermans et al. 2017). With `swap` the nearer of d(a,n) and d(p,n)
/// counts (Balntas et al. 2016). d is the Euclidean distance or its square. The mean is over active triplets or over all.
/// Over all triplets (no miner) row state [r, 2P+3]: P distances of positives (-inf where absent), P sums of the slopes
/// of their triplets, then the sum, the active count and the count of triplets. Two passes. Work grows with P · pairs.
/// Sub-gradient 0 at d = 0 and where the hinge is exactly 0.
class TripletLoss : public Loss {
 public:
  void visit(Fields& f) override {
    f.field({"margin", "how much farther a negative must be than a positive", "", 0.0}, &margin_);
    f.field({"soft_margin", "log(1 + exp(x)) in place of the hinge; margin is not used"}, &soft_);
    f.field({"swap", "take the nearer of anchor-negative and positive-negative; needs a miner or explicit triplets"},
            &swap_);
    f.field({"distance", "what d is", "", {}, {}, {"l2", "squared_l2"}}, &distance_);
    f.field(reduction_field(), &reduction_);
  }
  Measure measure() const override { return distance_ == "l2" ? Measure::kL2 : Measure::kSquaredL2; }
  int passes() const override { return 2; }
  int64_t state_width(int64_t max_positives) const override { return 2 * max_positives + 3; }
  bool needs_positive_negative() const override { return swap_; }

  at::Tensor initial_state(int64_t rows, int64_t max_positives, const at::TensorOptions& options) const override {
    if (swap_)
      throw ConfigError("triplet: swap compares positives with negatives, which the sum over all triplets does not; "
                        "choose a miner (batch_hard, semi_hard) or swap: false");
    return at::cat({at::full({rows, max_positives}, -std::numeric_limits<double>::infinity(), options),
                    at::zeros({rows, max_positives + 3}, options)},
                   1);
  }

  void fold(int pass, const Tile& tile, at::Tensor& state_rk) const override {
    const int64_t positives = (state_rk.size(1) - 3) / 2;
    if (pass == 0) {
      collect_positives(tile, state_rk.narrow(1, 0, positives));
      return;
    }
    for (int64_t p = 0; p < positives; ++p) {
      const at::Tensor x_rc = violation(state_rk.select(1, p).unsqueeze(1), tile.value_rc);
      const at::Tensor valid_rc = valid(state_rk.select(1, p).unsqueeze(1), tile.negative_rc);
      state_rk.select(1, positives + p).add_(slope(x_rc).mul(valid_rc).sum(1));
      state_rk.select(1, 2 * positives).add_(cost(x_rc).mul(valid_rc).sum(1));
      state_rk.select(1, 2 * positives + 1).add_((x_rc > 0).mul(valid_rc).sum(1));
      state_rk.select(1, 2 * positives + 2).add_(valid_rc.sum(1));
    }
  }

  Terms terms(const at::Tensor& state_rk) const override {
    const at::Tensor total_k = state_rk.narrow(1, state_rk.size(1) - 3, 3).sum(0);
    return {{total_k[0]}, {counts_active() ? total_k[1] : total_k[2]}, total_k[1], total_k[2]};
  }

  at::Tensor weight(const Tile& tile, const std::vector<at::Tensor>& state,
                    const std::vector<double>& scale) const override {
    const size_t positives = (state.size() - 3) / 2;
    at::Tensor weight_rc = at::zeros(tile.value_rc.sizes(), tile.value_rc.options());
    const at::Tensor slot_rc = tile.positive_slot();
    for (size_t p = 0; p < positives; ++p) {
      const at::Tensor push_rc = slope(violation(state[p], tile.value_rc)).mul(valid(state[p], tile.negative_rc));
      const at::Tensor is_p_rc = at::mul(tile.positive_rc, slot_rc == static_cast<int64_t>(p));
      weight_rc.add_(at::mul(is_p_rc, state[positives + p]) - push_rc);
    }
    return weight_rc.mul_(scale[0]);
  }

  Terms tuple_terms(const TupleValues& v) const override {
    const at::Tensor negative_t = swap_ ? at::minimum(v.negative_t, v.positive_negative_t) : v.negative_t;
    const at::Tensor x_t = violation(v.positive_t, negative_t);
    const at::Tensor active = (x_t > 0).sum(), valid = at::full({}, x_t.numel(), active.options());
    return {{cost(x_t).sum()}, {counts_active() ? active : valid}, active, valid};
  }

  at::Tensor reference(const at::Tensor& value_BB, const at::Tensor& positive_BB,
                       const at::Tensor& negative_BB) const override {
    Terms terms{{at::zeros({}, value_BB.options())}, {at::zeros({}, value_BB.options())}, {}, {}};
    for (int64_t a = 0; a < value_BB.size(0); ++a) {
      const at::Tensor x_BB = violation(value_BB[a].unsqueeze(1), value_BB[a].unsqueeze(0));
      const at::Tensor valid_BB = at::mul(positive_BB[a].unsqueeze(1), negative_BB[a].unsqueeze(0));
      terms.sums[0] = terms.sums[0] + cost(x_BB).mul(valid_BB).sum();
      terms.counts[0] = terms.counts[0] + (counts_active() ? at::mul(valid_BB, x_BB > 0) : valid_BB).sum();
    }
    return combine(terms);
  }

 private:
  static void collect_positives(const Tile& tile, at::Tensor distances_rP) {
    const at::Tensor slot_rc = tile.positive_slot();
    for (int64_t p = 0; p < distances_rP.size(1); ++p) {
      const at::Tensor is_p_rc = at::mul(tile.positive_rc, slot_rc == p);
      const at::Tensor found_r = is_p_rc.any(1);
      const at::Tensor value_r = tile.value_rc.mul(is_p_rc).sum(1);
      distances_rP.select(1, p).copy_(at::where(found_r, value_r, distances_rP.select(1, p)));
    }
  }
  bool counts_active() const { return reduction_ == "active" && !soft_; }
  at::Tensor violation(const at::Tensor& positive, const at::Tensor& negative) const {
    return positive - negative + (soft_ ? 0.0 : margin_);
  }
  at::Tensor cost(const at::Tensor& x) const { return soft_ ? at::softplus(x) : at::clamp_min(x, 0); }
  at::Tensor slope(const at::Tensor& x) const { return soft_ ? at::sigmoid(x) : (x > 0).to(x.scalar_type()); }
  // Negatives of anchors that do have this positive.
  static at::Tensor valid(const at::Tensor& positive_distance, const at::Tensor& negative_rc) {
    return at::mul(negative_rc, positive_distance > -std::numeric_limits<double>::infinity());
  }

  double margin_ = 0.2;
  bool soft_ = false;
  bool swap_ = false;
  std::string distance_ = "l2";
  std::string reduction_ = "active";
};

}  // namespace

std::unique_ptr<Loss> make_triplet() { return std::make_unique<TripletLoss>(); }

}  // namespace lodestone
