#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/log.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/where.h>

namespace lodestone::losses {

// Building blocks of Loss::reference: sums over each row of a whole matrix, where often_ac holds how often a
// pair counts.

/// Σ often · x of each row.
inline at::Tensor row_sum(const at::Tensor& x_ac, const at::Tensor& often_ac) {
  return (x_ac * often_ac).sum(1);
}

/// log Σ often · exp(x) of each row. A row without pairs gets about -1e30 with gradient 0, in place of -inf.
inline at::Tensor row_log_sum_exp(const at::Tensor& x_ac, const at::Tensor& often_ac) {
  const at::Tensor counts_ac = often_ac > 0;
  const at::Tensor log_often_ac = at::log(at::where(counts_ac, often_ac, 1));
  return at::logsumexp(at::where(counts_ac, x_ac + log_often_ac, -1e30), {1});
}

}  // namespace lodestone::losses
