#pragma once

#include <ATen/core/Tensor.h>

namespace lodestone {

/// a_mD · b_nDᵀ, plus bias_n to each row where there is one.
/// On the CPU by oneDNN, whose float32 products take 0.8 to 1.0 of the time of those that ATen's mm calls; where LibTorch was built
/// without it, or ONEDNN_DEFAULT_FPMATH_MODE lets it round its factors, by ATen's.
/// Shapes    a [m, D], b [n, D], bias [n] or undefined; of one floating type and device; the result [m, n]
/// Gradient  none
/// Threads   all of ATen's; within a parallel region the calling one alone
at::Tensor products_of_rows(const at::Tensor& a_mD, const at::Tensor& b_nD, const at::Tensor& bias_n = {});

}  // namespace lodestone
