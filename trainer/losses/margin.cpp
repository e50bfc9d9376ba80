#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/stack.h>

#include "trainer/losses/learned.h"
#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Margin loss (Wu et al. 2017), d the Euclidean distance and β a learned boundary:
///   L = ( Σ over positives of max(0, α + d - β) + Σ over negatives of max(0, α - d + β) ) / count,
/// where the count is that of active pairs of both kinds together, or of all pairs. α is the setting
/// `margin`. Without pairs the loss is zero. Sub-gradient 0 at d = 0 and at the margins.
class MarginLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "margin",
             .doc = "margin: distance from the boundary that a pair must have on its side",
             .min = 0.0},
            &margin_);
    f.field({.name = "beta",
             .doc = "boundary between positives and negatives; if learned, its initial value",
             .min = 0.0},
            &start_);
    f.field({.name = "learn_beta", .doc = "whether the boundary is learned"}, &learn_beta_);
    visit_reduction(f, &reduction_);
    beta_.start_at(start_);
  }
  Measure measure() const override { return Measure::kL2; }
  Affine affine() const override { return {1, learn_beta_ ? -beta_.value() : -start_}; }
  std::vector<LossParameter> parameters() const override {
    return learn_beta_ ? std::vector{beta_.parameter()} : std::vector<LossParameter>{};
  }
  std::vector<double> parameter_gradients(const Affine& gradient) const override {
    return learn_beta_ ? std::vector{-gradient.bias} : std::vector<double>{};
  }
  bool takes_pairs() const override { return true; }

  Sum negative_sum() const override { return Sum::kPlain; }
  void negative_term(at::Tensor& value_rc) const override { value_rc.neg_().add_(margin_).clamp_min_(0); }
  void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const override {
    weight_rc.mul_((value_rc - margin_).clamp_max_(0).sign_());  // -1 or 0
  }
  bool counts_active() const override { return true; }

  std::vector<Sum> positive_sums() const override { return {Sum::kPlain, Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    const at::Tensor cost_p = at::clamp_min(margin_ + value_p, 0);
    return at::stack({cost_p, (cost_p > 0).to(value_p.scalar_type())}, 1);
  }
  Terms terms(const AnchorSums& sums) const override {
    return mean(sums.positive_ak.select(1, 0).sum() + sums.negative_a.sum(),
                sums.positive_ak.select(1, 1).detach().sum() + sums.active_negatives_a.sum(),
                sums.positives_a.sum() + sums.negatives_a.sum());
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor positive_excess_ac = at::clamp_min(margin_ + value_ac, 0),
                     negative_excess_ac = at::clamp_min(margin_ - value_ac, 0);
    return combine(
        mean(row_sum(positive_excess_ac, positive_ac).sum() + row_sum(negative_excess_ac, negative_ac).sum(),
             row_sum(positive_excess_ac > 0, positive_ac).sum() +
                 row_sum(negative_excess_ac > 0, negative_ac).sum(),
             positive_ac.sum() + negative_ac.sum()));
  }

 private:
  Terms mean(const at::Tensor& sum, const at::Tensor& active, const at::Tensor& all) const {
    return {{sum}, {reduction_ == Reduction::kActive ? active : all}, active, all};
  }

  double margin_ = 0.2;
  double start_ = 1.2;
  bool learn_beta_ = true;
  Reduction reduction_ = Reduction::kActive;
  Learned beta_{"beta", 1.2, 0, 1e6};
};

}  // namespace

std::unique_ptr<Loss> make_margin() {
  return std::make_unique<MarginLoss>();
}

}  // namespace lodestone::losses
