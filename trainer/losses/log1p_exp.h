#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/softplus.h>

namespace lodestone::losses {

/// The x from which ATen's softplus returns x instead of log(1 + exp(x)). With its default of 20 the error is
/// 2e-9 there; with 50 the result is exact in float64.
inline constexpr double kLinearFrom = 50;

/// log(1 + exp(x)): 0 with derivative 0 at -inf.
inline at::Tensor log1p_exp(const at::Tensor& x) {
  return at::softplus(x, 1, kLinearFrom);
}

/// log(1 + exp(x)) in place; on a CPU in one pass of vector instructions.
void log1p_exp_(at::Tensor& x);

/// Multiplies weight in place by 1/(1 + exp(-x)), the derivative of log1p_exp. Requires that x and weight
/// have one shape and are contiguous.
void multiply_sigmoid_(const at::Tensor& x, at::Tensor& weight);

}  // namespace lodestone::losses
