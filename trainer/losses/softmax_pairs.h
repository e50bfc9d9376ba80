#pragma once

#include <optional>
#include <vector>

#include "trainer/losses/logit_scale.h"

namespace lodestone::losses {

/// The base of losses that classify, for each positive pair, which reference belongs to the anchor.
/// Math      L = mean over positive pairs (a, p) of -log( e^{l_ap} / (e^{l_ap} + Σ_{n in N(a)} e^{v_an}) ),
///           where v is the scaled similarity and l = positive_logit(v) is v or, with a margin, less
///
/// The denominator leaves out the other positives of the anchor. Anchors without a positive do not count; a
/// pair whose anchor has no negative counts with loss 0.
class SoftmaxPairLoss : public PairLoss {
 public:
  Measure measure() const override { return Measure::kSimilarity; }
  Sum negative_sum() const override { return Sum::kLogExp; }
  void negative_term(at::Tensor& /*value_rc*/) const override {}
  std::optional<double> constant_slope() const override { return 1; }
  void multiply_slope(const at::Tensor& /*value_rc*/, at::Tensor& /*weight_rc*/) const override {}
  std::vector<Sum> positive_sums() const override { return {Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor& anchor_negative_p,
                            const at::Tensor& reference_negative_p) const override;
  Terms terms(const AnchorSums& sums) const override;
  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override;

 protected:
  virtual at::Tensor positive_logit(const at::Tensor& value) const { return value; }
};

/// A SoftmaxPairLoss whose scale is 1 / temperature.
class TemperatureLoss : public SoftmaxPairLoss {
 public:
  TemperatureLoss(double temperature, bool learn) : scale_(temperature, learn) {}

  void visit(Fields& f) override { scale_.visit(f); }
  Affine affine() const override { return {scale_.value(), 0}; }
  std::vector<LossParameter> parameters() const override { return scale_.parameters(); }
  std::vector<double> parameter_gradients(const Affine& gradient) const override {
    return scale_.gradients(gradient.scale);
  }

 private:
  LogitScale scale_;
};

}  // namespace lodestone::losses
