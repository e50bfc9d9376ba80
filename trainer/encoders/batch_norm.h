#pragma once

#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"
#include "trainer/encoders/fused_norm.h"

namespace lodestone::encoders {

/// Batch normalisation over all axes but the second (Ioffe & Szegedy 2015), with torchvision's names and
/// numerics. A norm whose weight takes no gradient is frozen: it uses the running statistics, whatever the
/// mode says.
/// Math      y = weight (x - mean) / sqrt(var + epsilon) + bias; running statistics move by `momentum`,
///           with the unbiased variance
/// Ranks     kSync sums count, sums and squares over ranks: at most 2 sums in forward and 1 in backward, of
///           about 2C numbers. Rows may be divided in any way, empty shares included; the result is that
///           of one process.
/// Gradient  of weight and bias: over this rank's rows, to be summed over ranks like that of every parameter
class BatchNorm {
 public:
  /// The tensors and numbers of a norm.
  struct Parts {
    at::Tensor weight_C, bias_C, mean_C, variance_C;
    double momentum = 0.1, epsilon = 1e-5;
    bool learns = true;  ///< false: weight and bias are 1 and 0 for good, which does not freeze the norm
  };

  BatchNorm() = default;
  BatchNorm(Parameters& parameters, const std::string& prefix, int64_t channels, double momentum = 0.1);
  /// A norm of tensors that exist already, as handles.
  explicit BatchNorm(Parts parts);
  at::Tensor forward(const at::Tensor& x_bCX, const ForwardMode& mode) const;
  /// relu(norm(x) + residual), the residual being optional, and relu(max_pool2d(norm(x), 2)). On the CPU, if
  /// fused_norm_fits, each is one pass over memory, with equal results to rounding.
  at::Tensor relu(const at::Tensor& x_bCX, const ForwardMode& mode,
                  const at::Tensor& residual_bCX = {}) const;
  at::Tensor pool_relu(const at::Tensor& x_bCHW, const ForwardMode& mode) const;
  /// As Encoder::hold_weights: forward passes without a gradient that use the running statistics do not
  /// compute slope and offset again.
  void hold();

 private:
  bool uses_batch(const ForwardMode& mode) const;
  NormStatistics running() const;
  at::Tensor fused(AfterNorm after, const at::Tensor& x_bCX, const at::Tensor& residual_bCX,
                   const ForwardMode& mode) const;
  void update_running(const at::Tensor& mean, const at::Tensor& variance, double total) const;
  at::Tensor forward_sync(const at::Tensor& x_bCX, const ForwardMode& mode) const;

  double momentum_ = 0.1, epsilon_ = 1e-5;
  bool learns_ = true;
  at::Tensor weight_C, bias_C, mean_C, variance_C;
  std::optional<HeldNorm> held_;
};

}  // namespace lodestone::encoders
