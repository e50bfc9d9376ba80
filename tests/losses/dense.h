#pragma once

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/losses/reduction.h"

namespace lodestone::testing {
using namespace losses;

struct Evaluated {
  double loss = 0;
  at::Tensor gradient_ac;  ///< with respect to the values
};

/// What autograd makes of the reference.
inline Evaluated by_oracle(const Loss& loss, const at::Tensor& value_ac, const at::Tensor& positive_ac,
                           const at::Tensor& negative_ac) {
  const at::Tensor leaf_ac = value_ac.detach().clone().requires_grad_();
  const at::Tensor total = loss.oracle(leaf_ac, positive_ac, negative_ac);
  if (total.requires_grad()) total.backward();
  return {total.item<double>(), leaf_ac.grad().defined() ? leaf_ac.grad() : at::zeros_like(value_ac)};
}

/// The functions of a PairLoss put together over whole matrices, in the shortest way: what any engine must
/// come to.
class DensePairs {
 public:
  DensePairs(const PairLoss& loss, const at::Tensor& value_ac, const at::Tensor& positive_ac,
             const at::Tensor& negative_ac)
      : loss_(loss),
        value_ac_(value_ac),
        positive_ac_(positive_ac),
        negative_ac_(negative_ac),
        term_ac_(value_ac.clone()) {
    loss.negative_term(term_ac_);
    negative_a_ = sum(loss.negative_sum(), term_ac_, negative_ac).requires_grad_();
    flat_p_ = positive_ac.flatten().nonzero().flatten();
    value_p_ = value_ac.flatten().index_select(0, flat_p_).requires_grad_();
  }

  Evaluated evaluate() const {
    const Terms terms = loss_.terms(sums());
    const at::Tensor total = combine(terms);
    if (total.requires_grad()) total.backward();
    return {total.item<double>(), negative_gradient() + positive_gradient()};
  }

  AnchorSums sums() const {
    const at::Tensor anchor_p = flat_p_.floor_divide(value_ac_.size(1)),
                     reference_p = flat_p_.remainder(value_ac_.size(1));
    const at::Tensor term_pk = loss_.positive_terms(
        value_p_, negative_a_.index_select(0, anchor_p),
        loss_.reads_reference_sums() ? negative_a_.index_select(0, reference_p) : at::Tensor());
    const auto kinds = loss_.positive_sums();
    std::vector<at::Tensor> columns;
    at::Tensor positive_ak =
        at::zeros({value_ac_.size(0), static_cast<int64_t>(kinds.size())}, value_ac_.options());
    for (size_t k = 0; k < kinds.size(); ++k) {
      const at::Tensor term_ac = spread(term_pk.select(1, static_cast<int64_t>(k)));
      positive_ak.select(1, static_cast<int64_t>(k)).copy_(sum(kinds[k], term_ac, positive_ac_));
    }
    at::Tensor active_a;
    if (loss_.counts_active()) active_a = (negative_ac_ * (term_ac_ > 0)).sum(1);
    return {negative_a_, active_a, negative_ac_.sum(1), positive_ak, positive_ac_.sum(1)};
  }

 private:
  static at::Tensor sum(Sum kind, const at::Tensor& term_ac, const at::Tensor& often_ac) {
    if (kind == Sum::kPlain) return (term_ac * often_ac).sum(1);
    return at::logsumexp(at::where(often_ac > 0, term_ac, 0) + at::log(often_ac), {1});
  }
  at::Tensor spread(const at::Tensor& x_p) const {
    return at::zeros({value_ac_.numel()}, x_p.options()).index_copy(0, flat_p_, x_p).view(value_ac_.sizes());
  }
  at::Tensor positive_gradient() const {
    return value_p_.grad().defined() ? spread(value_p_.grad()) : at::zeros_like(value_ac_);
  }
  at::Tensor negative_gradient() const {
    if (!negative_a_.grad().defined()) return at::zeros_like(value_ac_);
    at::Tensor weight_ac = negative_ac_ * negative_a_.grad().unsqueeze(1);
    if (loss_.negative_sum() == Sum::kLogExp)
      weight_ac = weight_ac * at::exp(term_ac_ - negative_a_.detach().unsqueeze(1));
    if (const auto slope = loss_.constant_slope())
      weight_ac = weight_ac * *slope;
    else
      loss_.multiply_slope(value_ac_, weight_ac);
    return at::where(negative_ac_ > 0, weight_ac, 0);
  }

  const PairLoss& loss_;
  at::Tensor value_ac_, positive_ac_, negative_ac_, term_ac_, negative_a_, flat_p_, value_p_;
};

}  // namespace lodestone::testing
