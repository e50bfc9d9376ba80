#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone {

/// What follows a batch norm.
enum class AfterNorm {
  kNothing,
  kRelu,      ///< relu(norm(x) + residual)
  kPoolRelu,  ///< relu(max_pool2d(norm(x), 2))
};

/// What a batch norm normalises with, per channel, in float64.
struct NormStatistics {
  at::Tensor mean_C, variance_C;
  double total = 0;  ///< pixels of the batch they are of; 0: they are constants
};

/// Whether the fused kernels take it: float32 on the CPU, [b, C] or [b, C, H, W], C a multiple of 16. The same on all ranks, since
/// the layout of memory and the number of rows don't matter. Not while the network is traced.
bool fused_norm_fits(const at::Tensor& x_bCX);

/// This rank's statistics of x.
NormStatistics fused_moments(const at::Tensor& x_bCX);

/// Batch norm, with the statistics given, and what follows it, in half the passes over memory that they take one by one: the
/// forward pass reads x once, the backward pass reads it once with relu twice.
/// Math      y = after(weight (x - mean) / sqrt(variance + epsilon) + bias)
/// Gradient  by x through the statistics too, unless they are constants. By weight and bias over this rank's rows.
/// Ranks     with `sum_over_ranks`: one sum of 2C float64 in the backward pass
/// Requires  fused_norm_fits(x); residual of y's shape, or undefined
at::Tensor fused_norm(AfterNorm after, const at::Tensor& x_bCX, const at::Tensor& weight_C,
                      const at::Tensor& bias_C, const at::Tensor& residual_bCX,
                      const NormStatistics& statistics, double epsilon, const SumOverRanks& sum_over_ranks);

}  // namespace lodestone
