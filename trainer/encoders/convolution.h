#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

namespace lodestone::encoders {

class PackedKernel;

/// A square convolution without bias, differentiable. It is at::conv2d, except in three cases in float32 on
/// the CPU, whose results differ only by rounding:
///   - Outputs of at most 2×2 pixels, where most of what a sliding kernel reads is padding: one product of
///     the unfolded patches, [b·L, C·k²] by [C·k², O], or, for many rows or a held kernel, of whole images
///     (dense_convolution.h). For 512 channels at 2×2 unfolding takes half the time of ATen's convolution, a
///     quarter in the backward pass; with 64 rows whole images take a quarter less than unfolding.
///   - A held kernel without a gradient, and, except for those whole images, at least one row per thread:
///     the kernel is converted once, not in each forward, to the blocked order that oneDNN computes in. For
///     the 11 million weights of ResNet-18 that saves 10 ms per forward, for any number of rows.
///   - Images of few pixels with AVX-512: they are converted to oneDNN's blocks, whose kernels are faster
///     there than those for channels-last.
/// Cost      memory of the unfolded patches, b·L·C·k² floats, until the backward pass; of a held kernel twice
/// Threads   forward is safe concurrently
class Convolution {
 public:
  /// Shares the kernel, [O, C, k, k]: in-place changes of it take effect, until hold().
  Convolution(at::Tensor kernel_OCkk, int64_t stride, int64_t padding);

  /// x_bCHW to b × O × H' × W', in channels-last order if a product or a held kernel computed it.
  at::Tensor forward(const at::Tensor& x_bCHW) const;
  /// Allows it to keep the kernel in another order. Requires that the kernel does not change any more and
  /// that all images have one size.
  void hold();

 private:
  bool unfolds(const at::Tensor& x_bCHW) const;
  at::Tensor unfolded(const at::Tensor& x_bCHW) const;
  int64_t outputs(int64_t pixels) const;

  at::Tensor kernel_OCkk_;
  int64_t stride_, padding_;
  std::shared_ptr<PackedKernel> packed_;
};

}  // namespace lodestone::encoders
