#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/losses/log1p_exp.h"
#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Proxy-anchor (Kim et al. 2020, eq. 4): the learned proxies are the anchors and the rows x of the batch
/// their references, s the similarity, δ the margin, P all proxies and P+ those with a positive in the batch:
///   L = 1/|P+| Σ_{P+} log(1 + Σ_{x positive} e^{-α (s - δ)})
///       + 1/|P| Σ_P log(1 + Σ_{x negative} e^{α (s + δ)}).
/// A proxy without negatives counts in |P| with loss 0; without any positives the first part is zero.
class ProxyAnchorLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "margin",
             .doc = "margin: positives aim above this similarity, negatives below its opposite"},
            &margin_);
    f.field({.name = "alpha", .doc = "factor on similarities", .min = 1e-3}, &alpha_);
  }
  Measure measure() const override { return Measure::kSimilarity; }
  Pairing pairing() const override { return Pairing::kProxyAnchors; }

  Sum negative_sum() const override { return Sum::kLogExp; }
  void negative_term(at::Tensor& value_rc) const override { value_rc.add_(margin_).mul_(alpha_); }
  std::optional<double> constant_slope() const override { return alpha_; }
  void multiply_slope(const at::Tensor& /*value_rc*/, at::Tensor& weight_rc) const override {
    weight_rc.mul_(alpha_);
  }
  std::pair<double, double> term_range(double low, double high) const override {
    return {alpha_ * (low + margin_), alpha_ * (high + margin_)};
  }

  std::vector<Sum> positive_sums() const override { return {Sum::kLogExp}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    return (-alpha_ * (value_p - margin_)).unsqueeze(1);
  }
  Terms terms(const AnchorSums& sums) const override {
    return parts(log1p_exp(sums.positive_ak.select(1, 0)), log1p_exp(sums.negative_a), sums.positives_a);
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor positive_sum_a = row_log_sum_exp(-alpha_ * (value_ac - margin_), positive_ac);
    const at::Tensor negative_sum_a = row_log_sum_exp(alpha_ * (value_ac + margin_), negative_ac);
    const at::Tensor zero_a = at::zeros_like(positive_sum_a);
    return combine(parts(at::logaddexp(zero_a, positive_sum_a), at::logaddexp(zero_a, negative_sum_a),
                         positive_ac.sum(1)));
  }

 private:
  static Terms parts(const at::Tensor& positive_sum_a, const at::Tensor& negative_sum_a,
                     const at::Tensor& positives_a) {
    const at::Tensor with_positives = (positives_a > 0).to(positives_a.scalar_type()).sum();
    const at::Tensor proxies = at::full_like(with_positives, static_cast<double>(positives_a.numel()));
    return {{positive_sum_a.sum(), negative_sum_a.sum()}, {with_positives, proxies}, proxies, proxies};
  }

  double margin_ = 0.1;
  double alpha_ = 32;
};

}  // namespace

std::unique_ptr<Loss> make_proxy_anchor() {
  return std::make_unique<ProxyAnchorLoss>();
}

}  // namespace lodestone::losses
