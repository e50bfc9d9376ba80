#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/softplus.h>

namespace lodestone {

/// Where ATen's softplus goes over from log(1 + exp(x)) to x. Its default, 20, is 2e-9 off there; 50 is exact in
/// float64.
inline constexpr double kLinearFrom = 50;

/// log(1 + exp(x)): 0 with derivative 0 at -inf.
inline at::Tensor log1p_exp(const at::Tensor& x) {
  return at::softplus(x, 1, kLinearFrom);
}

/// The same, in place; on a CPU in one pass of vector instructions.
void log1p_exp_(at::Tensor& x);

/// weight · 1/(1 + exp(-x)), the derivative of log1p_exp, in place on weight; x and weight have one shape and are contiguous.
void multiply_sigmoid_(const at::Tensor& x, at::Tensor& weight);

}  // namespace lodestone
