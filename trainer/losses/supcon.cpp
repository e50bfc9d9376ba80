#include <ATen/TensorOperators.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include "trainer/losses/logit_scale.h"
#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Supervised contrastive loss (Khosla et al. 2020, eq. 2, the form with the sum outside the logarithm):
///   L = mean over anchors a of  -1/|P(a)| Σ_{p in P(a)} log( e^{s_ap/T} / Σ_{j in P(a) ∪ N(a)} e^{s_aj/T} ).
/// With one positive per anchor it is InfoNCE. s is the similarity, T the temperature. Anchors without a
/// positive do not count.
class SupConLoss : public PairLoss {
 public:
  void visit(Fields& f) override { scale_.visit(f); }
  Measure measure() const override { return Measure::kSimilarity; }
  Affine affine() const override { return {scale_.value(), 0}; }
  std::vector<LossParameter> parameters() const override { return scale_.parameters(); }
  std::vector<double> parameter_gradients(const Affine& gradient) const override {
    return scale_.gradients(gradient.scale);
  }

  Sum negative_sum() const override { return Sum::kLogExp; }
  void negative_term(at::Tensor& /*value_rc*/) const override {}
  std::optional<double> constant_slope() const override { return 1; }
  void multiply_slope(const at::Tensor& /*value_rc*/, at::Tensor& /*weight_rc*/) const override {}

  std::vector<Sum> positive_sums() const override { return {Sum::kLogExp, Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    return at::stack({value_p, value_p}, 1);
  }
  Terms terms(const AnchorSums& sums) const override {
    const at::Tensor counts_a = sums.positives_a > 0;
    // Anchors without a positive have no finite sums; finite placeholders keep NaN out of the gradient.
    const at::Tensor positive_a = at::where(counts_a, sums.positive_ak.select(1, 0), 0);
    const at::Tensor negative_a = at::where(counts_a, sums.negative_a, 0);
    const at::Tensor mean_a = sums.positive_ak.select(1, 1) / at::where(counts_a, sums.positives_a, 1);
    const at::Tensor loss_a = at::where(counts_a, at::logaddexp(positive_a, negative_a) - mean_a, 0);
    return mean_terms(loss_a.sum(), counts_a.sum());
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor positives_a = positive_ac.sum(1);
    const at::Tensor counts_a = positives_a > 0;
    const at::Tensor all_a = row_log_sum_exp(value_ac, positive_ac + negative_ac);
    const at::Tensor mean_a = row_sum(value_ac, positive_ac) / at::where(counts_a, positives_a, 1);
    return combine(mean_terms(at::where(counts_a, all_a - mean_a, 0).sum(), counts_a.sum()));
  }

 private:
  LogitScale scale_{0.1, false};
};

}  // namespace

std::unique_ptr<Loss> make_supcon() {
  return std::make_unique<SupConLoss>();
}

}  // namespace lodestone::losses
