#pragma once

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>

#include "trainer/losses/loss.h"
#include "trainer/losses/reduction.h"

namespace lodestone::losses {

// Example of trainer/losses/loss.h
class SquareLoss : public PairLoss {
  void visit(Fields&) override {}  // no settings
  Measure measure() const override { return Measure::kSimilarity; }
  Sum negative_sum() const override { return Sum::kPlain; }
  void negative_term(at::Tensor& value_rc) const override { value_rc.square_(); }  // f,  [r, c]
  void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const override {
    weight_rc.mul_(value_rc).mul_(2);  // f', [r, c]
  }
  std::vector<Sum> positive_sums() const override { return {Sum::kPlain}; }  // k = 1
  at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&, const at::Tensor&) const override {
    return (1 - value_p).square().unsqueeze(1);  // g,  [p, 1]
  }
  Terms terms(const AnchorSums& sums) const override {  // h,  scalars
    const at::Tensor anchors = at::full_like(sums.negative_a.sum(), sums.negative_a.size(0));
    return mean_terms(sums.negative_a.sum() + sums.positive_ak.sum(), anchors);  // reduction.h
  }
  at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                    const at::Tensor& negative_ac) const override {
    const at::Tensor sum_ac = value_ac.square() * negative_ac + (1 - value_ac).square() * positive_ac;
    return sum_ac.sum() / value_ac.size(0);
  }
};
// End

}  // namespace lodestone::losses
