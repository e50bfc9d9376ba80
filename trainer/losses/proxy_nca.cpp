#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>

#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Proxy-NCA (Movshovitz-Attias et al. 2017), d² the squared Euclidean distance between the anchor and the
/// learned proxies w of the classes, y the anchor's class, c the setting `scale`:
///   L = mean over anchors of  -log( e^{-c d²(a, w_y)} / Σ_{z ≠ y} e^{-c d²(a, w_z)} ).
/// The denominator leaves out the anchor's own class, so the loss may be below zero. Anchors whose class has
/// no proxy, and anchors without a proxy of another class, do not count.
class ProxyNcaLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "scale", .doc = "factor on squared distances", .min = 1e-3}, &scale_);
  }
  Measure measure() const override { return Measure::kSquaredL2; }
  Pairing pairing() const override { return Pairing::kProxies; }
  Affine affine() const override { return {scale_, 0}; }

  Sum negative_sum() const override { return Sum::kLogExp; }
  void negative_term(at::Tensor& value_rc) const override { value_rc.neg_(); }
  std::optional<double> constant_slope() const override { return -1; }
  void multiply_slope(const at::Tensor& /*value_rc*/, at::Tensor& weight_rc) const override {
    weight_rc.neg_();
  }
  std::pair<double, double> term_range(double low, double high) const override { return {-high, -low}; }

  std::vector<Sum> positive_sums() const override { return {Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor& anchor_negative_p,
                            const at::Tensor&) const override {
    const at::Tensor any_p = anchor_negative_p > -std::numeric_limits<double>::infinity();
    return at::where(any_p, value_p + at::where(any_p, anchor_negative_p, 0), 0).unsqueeze(1);
  }
  Terms terms(const AnchorSums& sums) const override {
    return mean_terms(sums.positive_ak.sum(), at::where(sums.negatives_a > 0, sums.positives_a, 0).sum());
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor counts_ac = positive_ac * (negative_ac.sum(1, true) > 0);
    const at::Tensor loss_ac = value_ac + row_log_sum_exp(-value_ac, negative_ac).unsqueeze(1);
    return combine(mean_terms(at::where(counts_ac > 0, loss_ac * counts_ac, 0).sum(), counts_ac.sum()));
  }

 private:
  double scale_ = 1;
};

}  // namespace

std::unique_ptr<Loss> make_proxy_nca() {
  return std::make_unique<ProxyNcaLoss>();
}

}  // namespace lodestone::losses
