#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Lifted structured loss (Oh Song et al. 2016, eq. 4), d the Euclidean distance, P the positive pairs, α the
/// margin:
///   J_ij = log( Σ_{k in N(i)} e^{α - d_ik} + Σ_{l in N(j)} e^{α - d_jl} ) + d_ij,
///   L = 1/(2|P|) Σ_{(i,j) in P} max(0, J_ij)².
/// Every pair is taken from both ends, so the code divides twice the sum by twice the count. A pair of which
/// neither end has a negative counts with loss 0. The sub-gradient is 0 at d = 0 and at J = 0.
class LiftedStructureLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "margin", .doc = "margin: distance that negatives aim at"}, &margin_);
  }
  Measure measure() const override { return Measure::kL2; }

  Sum negative_sum() const override { return Sum::kLogExp; }
  void negative_term(at::Tensor& value_rc) const override { value_rc.neg_().add_(margin_); }
  std::optional<double> constant_slope() const override { return -1; }
  void multiply_slope(const at::Tensor& /*value_rc*/, at::Tensor& weight_rc) const override {
    weight_rc.neg_();
  }
  std::pair<double, double> term_range(double low, double high) const override {
    return {margin_ - high, margin_ - low};
  }

  bool reads_reference_sums() const override { return true; }
  std::vector<Sum> positive_sums() const override { return {Sum::kPlain, Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor& anchor_negative_p,
                            const at::Tensor& reference_negative_p) const override {
    constexpr double kNone = -std::numeric_limits<double>::infinity();
    const at::Tensor any_p = at::logical_or(anchor_negative_p > kNone, reference_negative_p > kNone);
    // Without negatives on either end logaddexp would be -inf, and its derivative NaN.
    const at::Tensor negative_p =
        at::logaddexp(at::where(any_p, anchor_negative_p, 0), at::where(any_p, reference_negative_p, 0));
    const at::Tensor hinge_p = at::clamp_min(at::where(any_p, negative_p + value_p, -1), 0);
    return at::stack({hinge_p * hinge_p, (hinge_p > 0).to(hinge_p.scalar_type())}, 1);
  }
  Terms terms(const AnchorSums& sums) const override {
    const at::Tensor pairs = sums.positives_a.sum();
    return {{sums.positive_ak.select(1, 0).sum() / 2},
            {pairs},
            sums.positive_ak.select(1, 1).detach().sum(),
            pairs};
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor negative_a = row_log_sum_exp(margin_ - value_ac, negative_ac);
    const at::Tensor ends_ac = at::logaddexp(negative_a.unsqueeze(1), negative_a.unsqueeze(0));
    const at::Tensor hinge_ac = at::clamp_min(ends_ac + value_ac, 0);
    return combine(mean_terms((hinge_ac * hinge_ac * positive_ac).sum() / 2, positive_ac.sum()));
  }

 private:
  double margin_ = 1;
};

}  // namespace

std::unique_ptr<Loss> make_lifted_structure() {
  return std::make_unique<LiftedStructureLoss>();
}

}  // namespace lodestone::losses
