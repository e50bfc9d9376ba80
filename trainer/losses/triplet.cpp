#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>

#include "common/keys_without_effect.h"
#include "trainer/losses/log1p_exp.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Triplet loss: L = mean over triplets of max(0, margin + d(a,p) - d(a,n)) (Weinberger & Saul 2009; Schroff
/// et al. 2015), or with `soft_margin` of log(1 + exp(d(a,p) - d(a,n))) (Hermans et al. 2017). With `swap`
/// the nearer of d(a,n) and d(p,n) counts (Balntas et al. 2016). d is the Euclidean distance or its square.
/// The mean is over active triplets or over all; every triplet of the soft form is active. Anchors without a
/// positive or a negative have no triplets; without any triplet the loss is zero. Sub-gradient 0 at d = 0 and
/// where the hinge is exactly 0.
class TripletLoss : public TripletLossBase {
 public:
  void visit(Fields& f) override {
    f.field(
        {.name = "soft_margin", .doc = "whether log(1 + exp(x)) replaces the hinge; margin is not used then"},
        &soft_);
    if (soft_) without_effect(f, {"margin"}, "with soft_margin: true; leave one of them out");
    f.field(
        {.name = "margin", .doc = "margin: how much farther a negative must be than a positive", .min = 0.0},
        &margin_);
    f.field(
        {.name = "swap",
         .doc =
             "whether the nearer of anchor-negative and positive-negative is used; needs a miner or explicit "
             "triplets"},
        &swap_);
    f.choice({.name = "distance", .doc = "distance d between two rows"}, &distance_,
             {{"l2", Measure::kL2}, {"squared_l2", Measure::kSquaredL2}});
    visit_reduction(f, &reduction_);
  }
  Measure measure() const override { return distance_; }

  at::Tensor violation(const at::Tensor& positive, const at::Tensor& negative) const override {
    const at::Tensor gap = positive - negative;
    return soft_ ? gap : gap + margin_;
  }
  at::Tensor cost(const at::Tensor& x) const override { return soft_ ? log1p_exp(x) : at::clamp_min(x, 0); }
  at::Tensor slope(const at::Tensor& x) const override {
    return soft_ ? at::sigmoid(x) : at::clamp_min(x, 0).sign_();
  }
  std::optional<double> hinge_margin() const override {
    return soft_ ? std::nullopt : std::optional(margin_);
  }
  bool counts_active() const override { return reduction_ == Reduction::kActive && !soft_; }
  bool needs_positive_negative() const override { return swap_; }

  Terms triplet_terms(const TripletValues& values) const override {
    const at::Tensor negative_t =
        swap_ ? at::minimum(values.negative_t, values.positive_negative_t) : values.negative_t;
    const at::Tensor cost_t = cost(violation(values.positive_t, negative_t));
    const at::Tensor active = (cost_t > 0).sum();
    const at::Tensor valid = at::full_like(active, cost_t.numel());
    return {{cost_t.sum()}, {counts_active() ? active : valid}, active, valid};
  }

  /// With `swap` references must be rows of the batch: it needs the distance between positive and negative.
  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    at::Tensor sum = at::zeros({}, value_ac.options()), count = sum;
    for (int64_t a = 0; a < value_ac.size(0); ++a) {
      const at::Tensor far_c = value_ac[a].unsqueeze(0);
      const at::Tensor negative_cc = swap_ ? at::minimum(far_c, value_ac) : far_c;
      const at::Tensor cost_cc = cost(violation(value_ac[a].unsqueeze(1), negative_cc));
      const at::Tensor often_cc = at::mul(positive_ac[a].unsqueeze(1), negative_ac[a].unsqueeze(0));
      sum = sum + (cost_cc * often_cc).sum();
      count = count + (counts_active() ? often_cc * (cost_cc > 0) : often_cc).sum();
    }
    return combine(mean_terms(sum, count));
  }

 private:
  double margin_ = 0.2;
  bool soft_ = false;
  bool swap_ = false;
  Measure distance_ = Measure::kL2;
  Reduction reduction_ = Reduction::kActive;
};

}  // namespace

std::unique_ptr<Loss> make_triplet() {
  return std::make_unique<TripletLoss>();
}

}  // namespace lodestone::losses
