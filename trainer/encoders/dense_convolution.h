#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace lodestone::encoders {

/// Whether every output of this convolution depends on every pixel: 3×3 at stride 1 and padding 1 on images
/// of at most 2×2.
bool is_dense(const at::Tensor& x_bCHW, const at::Tensor& kernel_OCkk, int64_t stride, int64_t padding);

/// Computes such a convolution as one linear map, y = x M, with M [O·H·W, C·H·W] made of the kernel's taps.
/// At 2×2 that is 16 products of [O, C], while unfolded patches take 36, most of them with padding.
/// Shapes    x_bCHW to b × O × H × W, channels-last; float32 on the CPU
/// Gradient  differentiable once
/// Cost      memory of M until the backward pass: (H·W)² / 9 times the kernel
at::Tensor dense_convolution(const at::Tensor& x_bCHW, const at::Tensor& kernel_OCkk);

/// The same without gradients, with M made beforehand by dense_matrix: [C·H·W, O·H·W], the order that is
/// fastest for few rows.
at::Tensor dense_convolution_by(const at::Tensor& matrix_QP, const at::Tensor& x_bCHW);
at::Tensor dense_matrix(const at::Tensor& kernel_OCkk, const at::Tensor& x_bCHW);

}  // namespace lodestone::encoders
