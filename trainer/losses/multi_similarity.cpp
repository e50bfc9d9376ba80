#include <ATen/TensorOperators.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/losses/log1p_exp.h"
#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Multi-similarity loss (Wang et al. 2019; λ is the setting `base`), s the similarity:
///   L = mean over anchors of  1/α log(1 + Σ_P e^{-α (s - λ)}) + 1/β log(1 + Σ_N e^{β (s - λ)}).
/// Anchors with neither a positive nor a negative do not count; a side without pairs is zero. The paper's
/// mining of pairs is the miner `multi_similarity`.
class MultiSimilarityLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "alpha", .doc = "steepness for positives", .min = 1e-3}, &alpha_);
    f.field({.name = "beta", .doc = "steepness for negatives", .min = 1e-3}, &beta_);
    f.field({.name = "base", .doc = "similarity above which a pair counts as close"}, &base_);
  }
  Measure measure() const override { return Measure::kSimilarity; }

  const char* own_miner() const override { return "multi_similarity"; }
  Sum negative_sum() const override { return Sum::kLogExp; }
  void negative_term(at::Tensor& value_rc) const override { value_rc.sub_(base_).mul_(beta_); }
  std::optional<double> constant_slope() const override { return beta_; }
  void multiply_slope(const at::Tensor& /*value_rc*/, at::Tensor& weight_rc) const override {
    weight_rc.mul_(beta_);
  }
  std::pair<double, double> term_range(double low, double high) const override {
    return {beta_ * (low - base_), beta_ * (high - base_)};
  }

  std::vector<Sum> positive_sums() const override { return {Sum::kLogExp}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    return (-alpha_ * (value_p - base_)).unsqueeze(1);
  }
  Terms terms(const AnchorSums& sums) const override {
    const at::Tensor loss_a =
        log1p_exp(sums.positive_ak.select(1, 0)) / alpha_ + log1p_exp(sums.negative_a) / beta_;
    return mean_terms(loss_a.sum(), (sums.positives_a + sums.negatives_a > 0).sum());
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor far_a = row_log_sum_exp(-alpha_ * (value_ac - base_), positive_ac);
    const at::Tensor near_a = row_log_sum_exp(beta_ * (value_ac - base_), negative_ac);
    const at::Tensor zero_a = at::zeros_like(far_a);
    const at::Tensor loss_a = at::logaddexp(zero_a, far_a) / alpha_ + at::logaddexp(zero_a, near_a) / beta_;
    return combine(mean_terms(loss_a.sum(), ((positive_ac + negative_ac).sum(1) > 0).sum()));
  }

 private:
  double alpha_ = 2;
  double beta_ = 50;
  double base_ = 0.5;
};

}  // namespace

std::unique_ptr<Loss> make_multi_similarity() {
  return std::make_unique<MultiSimilarityLoss>();
}

}  // namespace lodestone::losses
