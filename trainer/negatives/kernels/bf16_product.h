#pragma once

#include <ATen/core/Tensor.h>

namespace lodestone::negatives {

/// out_mn = beta · out_mn + alpha · a_mk · b_kn with bfloat16 factors and float32 sums; `out_mn` is float32
/// with contiguous rows. On a CPU it uses MKL's gemm_bf16bf16f32 if LibTorch contains it and the processor
/// has bfloat16 instructions (then about twice as fast as float32); other CPUs compute a float32 product of
/// the same factors at the cost of float32. CUDA uses cuBLAS.
void add_bf16_product(at::Tensor& out_mn, const at::Tensor& a_mk, const at::Tensor& b_kn, double beta,
                      double alpha);

/// Whether this processor has an instruction for bfloat16 products.
bool has_bf16_products();

/// Uses MKL's routine on any processor; MKL emulates missing instructions. Returns false if LibTorch does not
/// contain it.
bool add_bf16_product_by_mkl(at::Tensor& out_mn, const at::Tensor& a_mk, const at::Tensor& b_kn, double beta,
                             double alpha);

}  // namespace lodestone::negatives
