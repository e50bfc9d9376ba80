#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace lodestone {

/// A square convolution without bias, differentiable: at::conv2d, but for outputs of at most 2×2 pixels in float32 on the CPU, where most of
/// what a sliding kernel touches is padding, one product of the unfolded patches, [b·L, C·k²] by [C·k², O]. That takes half the time
/// for 512 channels at 2×2, a quarter in the backward pass; results differ in rounding only.
/// Shapes    x_bCHW, kernel_OCkk -> b × O × H' × W'; channels-last where the product made it
/// Memory    the product's patches: b·L·C·k² floats until the backward pass
at::Tensor convolution(const at::Tensor& x_bCHW, const at::Tensor& kernel_OCkk, int64_t stride, int64_t padding);

}  // namespace lodestone
