#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/stack.h>

#include "trainer/losses/plain.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

namespace {

/// Contrastive loss over pairs, d the Euclidean distance:
///   L = mean over positives of max(0, d - positive_margin) + mean over negatives of max(0, margin - d),
/// or, with `distance: cosine`, of the similarity s, by default with margin 0 and positive_margin 1:
///   L = mean over positives of max(0, positive_margin - s) + mean over negatives of max(0, s - margin),
/// with `squared` each term squared (Hadsell, Chopra, LeCun 2006, eq. 4, without its factors of one half).
/// The means are over the active pairs of each kind, or over all pairs of each kind; a kind without pairs is
/// zero. Sub-gradient 0 at d = 0 and at the margins.
class ContrastiveLoss : public PairLoss {
 public:
  void visit(Fields& f) override {
    f.field({.name = "margin",
             .doc = "distance (1 if not set) or similarity (0) beyond which negatives have no loss"},
            &margin_);
    f.field({.name = "positive_margin",
             .doc = "distance (0 if not set) or similarity (1) up to which positives have no loss"},
            &positive_margin_);
    f.field({.name = "squared", .doc = "whether each term is squared (Hadsell's form)"}, &squared_);
    f.choice({.name = "distance", .doc = "measure that pairs are compared by"}, &distance_,
             {{"l2", Measure::kL2}, {"cosine", Measure::kSimilarity}});
    visit_reduction(f, &reduction_);
  }
  Measure measure() const override { return distance_; }
  bool takes_pairs() const override { return true; }

  Sum negative_sum() const override { return Sum::kPlain; }
  void negative_term(at::Tensor& value_rc) const override {
    keep_excess(value_rc.sub_(margin()));
    if (squared_)
      value_rc.mul_(value_rc);
    else
      value_rc.abs_();
  }
  void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const override {
    at::Tensor slope_rc = value_rc - margin();
    keep_excess(slope_rc);
    weight_rc.mul_(squared_ ? slope_rc.mul_(2) : slope_rc.sign_());
  }
  bool counts_active() const override { return true; }

  std::vector<Sum> positive_sums() const override { return {Sum::kPlain, Sum::kPlain}; }
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    const at::Tensor excess_p = positive_excess(value_p);
    return at::stack({cost(excess_p), (excess_p > 0).to(value_p.scalar_type())}, 1);
  }
  Terms terms(const AnchorSums& sums) const override {
    return means({sums.positive_ak.select(1, 0).sum(), sums.negative_a.sum()},
                 {sums.positive_ak.select(1, 1).detach().sum(), sums.active_negatives_a.sum()},
                 {sums.positives_a.sum(), sums.negatives_a.sum()});
  }

  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor positive_excess_ac = positive_excess(value_ac);
    const at::Tensor negative_excess_ac =
        at::clamp_min(cosine() ? value_ac - margin() : margin() - value_ac, 0);
    return combine(means(
        {(cost(positive_excess_ac) * positive_ac).sum(), (cost(negative_excess_ac) * negative_ac).sum()},
        {row_sum(positive_excess_ac > 0, positive_ac).sum(),
         row_sum(negative_excess_ac > 0, negative_ac).sum()},
        {positive_ac.sum(), negative_ac.sum()}));
  }

 private:
  bool cosine() const { return distance_ == Measure::kSimilarity; }
  double margin() const { return margin_.value_or(cosine() ? 0.0 : 1.0); }
  double positive_margin() const { return positive_margin_.value_or(cosine() ? 1.0 : 0.0); }
  // The part of a negative's value - margin that violates the margin; its sign is that of the slope.
  void keep_excess(at::Tensor& beyond) const {
    if (cosine())
      beyond.clamp_min_(0);
    else
      beyond.clamp_max_(0);
  }
  at::Tensor positive_excess(const at::Tensor& value) const {
    return at::clamp_min(cosine() ? positive_margin() - value : value - positive_margin(), 0);
  }
  at::Tensor cost(const at::Tensor& excess) const { return squared_ ? excess * excess : excess; }
  Terms means(std::vector<at::Tensor> sums, const std::vector<at::Tensor>& active,
              const std::vector<at::Tensor>& all) const {
    return {std::move(sums), reduction_ == Reduction::kActive ? active : all, active[0] + active[1],
            all[0] + all[1]};
  }

  std::optional<double> margin_, positive_margin_;
  bool squared_ = false;
  Measure distance_ = Measure::kL2;
  Reduction reduction_ = Reduction::kActive;
};

}  // namespace

std::unique_ptr<Loss> make_contrastive() {
  return std::make_unique<ContrastiveLoss>();
}

}  // namespace lodestone::losses
