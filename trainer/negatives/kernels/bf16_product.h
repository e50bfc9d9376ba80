#pragma once

#include <ATen/core/Tensor.h>

namespace lodestone {

/// out_mn = beta · out_mn + alpha · a_mk · b_kn with bfloat16 factors and float32 sums; `out_mn` is float32, its rows contiguous.
/// On a CPU by MKL's gemm_bf16bf16f32, if LibTorch brings it and the processor has bfloat16 instructions (then about twice as fast
/// as float32); elsewhere on a CPU as a float32 product of the same factors, which costs what float32 costs. On CUDA by cuBLAS.
void add_bf16_product(at::Tensor& out_mn, const at::Tensor& a_mk, const at::Tensor& b_kn, double beta,
                      double alpha);

/// Whether products of bfloat16 are formed by an instruction of their own here.
bool has_bf16_products();

/// By MKL's routine whatever the processor, which it imitates where it must. False if LibTorch does not bring it.
bool add_bf16_product_by_mkl(at::Tensor& out_mn, const at::Tensor& a_mk, const at::Tensor& b_kn, double beta,
                             double alpha);

}  // namespace lodestone
