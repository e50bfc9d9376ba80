#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/losses/log1p_exp.h"
#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Circle loss (Sun et al. 2020, section 3), s the similarity:
///   L = mean over anchors of  log(1 + Σ_N e^{γ α_n (s - m)} · Σ_P e^{-γ α_p (s - 1 + m)}),
///   α_n = max(0, s + m),  α_p = max(0, 1 + m - s).
/// The gradient treats the factors α as constants, as in the paper. Anchors without a positive or without a
/// negative do not count.
class CircleLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "margin",
             .doc = "margin: positives aim at a similarity of 1 - margin, negatives at margin",
             .min = 0.0},
            &margin_);
    f.field({.name = "gamma", .doc = "factor on similarities", .min = 1e-3}, &gamma_);
  }
  Measure measure() const override { return Measure::kSimilarity; }

  Sum negative_sum() const override { return Sum::kLogExp; }
  // γ max(0, s + m) (s - m) = γ (max(s, -m)² - m²): in place, without a second tile.
  void negative_term(at::Tensor& value_rc) const override {
    value_rc.clamp_min_(-margin_);
    value_rc.mul_(value_rc).sub_(margin_ * margin_).mul_(gamma_);
  }
  void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const override {
    weight_rc.mul_(at::clamp_min(value_rc, -margin_).add_(margin_).mul_(gamma_));
  }
  std::pair<double, double> term_range(double low, double high) const override {
    return {term(std::clamp(0.0, low, high)), std::max(term(low), term(high))};
  }

  std::vector<Sum> positive_sums() const override { return {Sum::kLogExp}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    return positive_exponent(value_p).unsqueeze(1);
  }
  Terms terms(const AnchorSums& sums) const override {
    const at::Tensor both_a = at::logical_and(sums.positives_a > 0, sums.negatives_a > 0);
    const at::Tensor exponent_a =
        at::where(both_a, sums.positive_ak.select(1, 0), 0) + at::where(both_a, sums.negative_a, 0);
    return mean_terms(at::where(both_a, log1p_exp(exponent_a), 0).sum(), both_a.sum());
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor both_a = at::logical_and(positive_ac.sum(1) > 0, negative_ac.sum(1) > 0);
    const at::Tensor near_ac = gamma_ * at::clamp_min(value_ac + margin_, 0).detach() * (value_ac - margin_);
    const at::Tensor exponent_a =
        row_log_sum_exp(near_ac, negative_ac) + row_log_sum_exp(positive_exponent(value_ac), positive_ac);
    const at::Tensor loss_a = at::logaddexp(at::zeros_like(exponent_a), exponent_a);
    return combine(mean_terms(at::where(both_a, loss_a, 0).sum(), both_a.sum()));
  }

 private:
  double term(double s) const { return gamma_ * std::max(0.0, s + margin_) * (s - margin_); }
  at::Tensor positive_exponent(const at::Tensor& value) const {
    const at::Tensor alpha = at::clamp_min(1 + margin_ - value, 0).detach();
    return -gamma_ * alpha * (value - (1 - margin_));
  }

  double margin_ = 0.4;
  double gamma_ = 80;
};

}  // namespace

std::unique_ptr<Loss> make_circle() {
  return std::make_unique<CircleLoss>();
}

}  // namespace lodestone::losses
