#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

/// The operation after a batch norm.
enum class AfterNorm {
  kNothing,
  kRelu,      ///< relu(norm(x) + residual)
  kPoolRelu,  ///< relu(max_pool2d(norm(x), 2))
};

/// The statistics of a batch norm, per channel, in float64.
struct NormStatistics {
  at::Tensor mean_C, variance_C;
  double total = 0;  ///< number of pixels they were computed from; 0: they are constants
};

/// A batch norm of constant statistics as y = a x + b.
struct HeldNorm {
  at::Tensor a_C, b_C;
};

/// Whether the fused kernels apply: float32 on the CPU, [b, C] or [b, C, H, W], C a multiple of 8, and the
/// network is not being traced. The answer is the same on all ranks, since neither memory layout nor number
/// of rows matter.
bool fused_norm_fits(const at::Tensor& x_bCX);

/// The statistics of this rank's rows.
NormStatistics fused_moments(const at::Tensor& x_bCX);

/// Batch norm with given statistics and the operation after it, in half the passes over memory of the
/// separate operations: forward reads x once; backward reads it twice, with kPoolRelu once.
/// Math      y = after(weight (x - mean) / sqrt(variance + epsilon) + bias)
/// Ranks     with `sum_over_ranks`: one sum of 2C float64 in the backward pass
/// Gradient  by x also through the statistics, unless they are constants; by weight and bias over this rank's
///           rows
/// Requires  fused_norm_fits(x); residual of y's shape, or undefined
at::Tensor fused_norm(AfterNorm after, const at::Tensor& x_bCX, const at::Tensor& weight_C,
                      const at::Tensor& bias_C, const at::Tensor& residual_bCX,
                      const NormStatistics& statistics, double epsilon, const SumOverRanks& sum_over_ranks);

/// The numbers that fused_norm computes from parameters and constant statistics in each forward pass.
HeldNorm held_norm(const at::Tensor& weight_C, const at::Tensor& bias_C, const NormStatistics& statistics,
                   double epsilon);
/// The same bits as fused_norm with these statistics, without a gradient.
/// Requires  as fused_norm
at::Tensor fused_norm_by(const HeldNorm& held, AfterNorm after, const at::Tensor& x_bCX,
                         const at::Tensor& residual_bCX);

}  // namespace lodestone::encoders
