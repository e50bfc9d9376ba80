#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone {

/// Batch normalisation over all axes but the second (Ioffe & Szegedy 2015), with torchvision's names and numerics:
/// y = weight (x - mean) / sqrt(var + 1e-5) + bias; running statistics move by `momentum`, with the unbiased variance.
/// Ranks     kSync adds (count, Σx, Σ(x - mean)²) up over ranks: 2 sums of C floats forward and 1 of 2C backward; rows may be
///           shared out in any way, empty shares included, and the result is that of one process.
/// Frozen    a norm whose weight takes no gradient uses the running statistics, whatever the mode says.
/// Gradient  of weight and bias: over this rank's rows, to be summed over ranks like every parameter's.
class BatchNorm {
 public:
  BatchNorm() = default;
  BatchNorm(Parameters& parameters, const std::string& prefix, int64_t channels, double momentum = 0.1);
  at::Tensor forward(const at::Tensor& x_bCX, const ForwardMode& mode) const;

 private:
  at::Tensor forward_sync(const at::Tensor& x_bCX, const ForwardMode& mode) const;

  double momentum_ = 0.1;
  at::Tensor weight_C, bias_C, mean_C, variance_C;
};

}  // namespace lodestone
