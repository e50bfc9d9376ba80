#pragma once

#include <ATen/core/Tensor.h>

namespace lodestone {

/// Computes a_mD · b_nDᵀ, plus bias_n in each row if it is defined.
/// On the CPU it calls oneDNN, whose float32 products take 0.8 to 1.0 of the time of ATen's mm. It calls
/// ATen's mm where LibTorch has no oneDNN, or ONEDNN_DEFAULT_FPMATH_MODE allows oneDNN to round its factors.
/// Shapes    a [m, D], b [n, D], bias [n] or undefined; of one floating type and device; the result [m, n].
/// Gradient  none.
/// Threads   all of ATen's; within a parallel region only the calling one.
at::Tensor products_of_rows(const at::Tensor& a_mD, const at::Tensor& b_nD, const at::Tensor& bias_n = {});

}  // namespace lodestone
