#include "trainer/negatives/kernels/bf16_product.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>

// LibTorch built with MKL exports it; otherwise the pointer is null.
extern "C" __attribute__((weak)) void gemm_bf16bf16f32_(const char* transpose_a, const char* transpose_b,
                                                        const int* m, const int* n, const int* k,
                                                        const float* alpha, const at::BFloat16* a,
                                                        const int* lda, const at::BFloat16* b, const int* ldb,
                                                        const float* beta, float* c, const int* ldc);

namespace lodestone::negatives {

namespace {

/// A matrix as Fortran sees its transpose: columns are its rows.
struct Factor {
  explicit Factor(const at::Tensor& x)
      : turned(x.stride(1) != 1),
        held(!turned || x.stride(0) == 1 ? x : x.contiguous()),
        transpose(held.stride(1) == 1 ? 'N' : 'T'),
        leading(static_cast<int>(std::max<int64_t>(1, transpose == 'N'
                                                          ? std::max(held.stride(0), held.size(1))
                                                          : std::max(held.stride(1), held.size(0))))) {}
  bool turned;
  at::Tensor held;
  char transpose;
  int leading;
};

}  // namespace

bool has_bf16_products() {
#if defined(__x86_64__)
  static const bool has = gemm_bf16bf16f32_ && __builtin_cpu_supports("avx512bf16");
  return has;
#else
  return false;
#endif
}

bool add_bf16_product_by_mkl(at::Tensor& out_mn, const at::Tensor& a_mk, const at::Tensor& b_kn, double beta,
                             double alpha) {
  if (!gemm_bf16bf16f32_) return false;
  // (a·b)ᵀ = bᵀ·aᵀ, and a row-major matrix is its transpose to Fortran.
  const Factor a(a_mk), b(b_kn);
  const int m = static_cast<int>(out_mn.size(1)), n = static_cast<int>(out_mn.size(0)),
            k = static_cast<int>(a_mk.size(1));
  const int ldc = static_cast<int>(std::max<int64_t>(out_mn.stride(0), 1));
  const auto alpha32 = static_cast<float>(alpha), beta32 = static_cast<float>(beta);
  gemm_bf16bf16f32_(&b.transpose, &a.transpose, &m, &n, &k, &alpha32, b.held.const_data_ptr<at::BFloat16>(),
                    &b.leading, a.held.const_data_ptr<at::BFloat16>(), &a.leading, &beta32,
                    out_mn.mutable_data_ptr<float>(), &ldc);
  return true;
}

void add_bf16_product(at::Tensor& out_mn, const at::Tensor& a_mk, const at::Tensor& b_kn, double beta,
                      double alpha) {
  if (out_mn.numel() == 0) return;
  if (out_mn.device().is_cuda()) {
    const at::Tensor product_mn = at::mm(a_mk, b_kn, at::kFloat);
    if (beta == 0)
      out_mn.copy_(product_mn).mul_(alpha);
    else
      out_mn.mul_(beta).add_(product_mn, alpha);
  } else if (has_bf16_products()) {
    add_bf16_product_by_mkl(out_mn, a_mk, b_kn, beta, alpha);
  } else {
    out_mn.addmm_(a_mk.to(at::kFloat), b_kn.to(at::kFloat), beta, alpha);
  }
}

}  // namespace lodestone::negatives
