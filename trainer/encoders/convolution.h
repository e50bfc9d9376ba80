#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

namespace lodestone {

class PackedKernel;

/// A square convolution without bias, differentiable: at::conv2d, but for three cases in float32 on the CPU.
///  - Outputs of at most 2×2 pixels, where most of what a sliding kernel touches is padding: one product, of the unfolded patches,
///    [b·L, C·k²] by [C·k², O], or, for many rows or a held kernel, of whole pictures (dense_convolution.h). For 512 channels at 2×2
///    unfolding takes half the time of ATen's, a quarter in the backward pass; whole pictures, of 64, a quarter less than that.
///  - A kernel that is held, where no gradient is wanted and, but for those whole pictures, there is a row for each thread: it is brought into the blocked order that
///    oneDNN computes in once, not in each forward. For ResNet-18's 11 million weights that is 10 ms a forward, whatever its rows.
///  - Pictures of few pixels where there is AVX-512: brought into oneDNN's blocks, whose kernels beat those for channels-last there.
/// Results differ in rounding only.
/// Memory    the product's patches: b·L·C·k² floats until the backward pass; a held kernel once more
/// Threads   forward is safe concurrently
class Convolution {
 public:
  /// Shares the kernel, [O, C, k, k]: what changes it in place changes what is computed, until it is held.
  Convolution(at::Tensor kernel_OCkk, int64_t stride, int64_t padding);

  /// x_bCHW to b × O × H' × W'; channels-last where a product or a held kernel made it.
  at::Tensor forward(const at::Tensor& x_bCHW) const;
  /// Lets it keep the kernel in another order. Requires that the kernel does not change any more, and pictures of one size.
  void hold();

 private:
  bool unfolds(const at::Tensor& x_bCHW) const;
  at::Tensor unfolded(const at::Tensor& x_bCHW) const;
  int64_t outputs(int64_t pixels) const;

  at::Tensor kernel_OCkk_;
  int64_t stride_, padding_;
  std::shared_ptr<PackedKernel> packed_;
};

}  // namespace lodestone
