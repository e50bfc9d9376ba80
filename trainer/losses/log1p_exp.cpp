#include "trainer/losses/log1p_exp.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/sigmoid.h>

#include "trainer/losses/vector_math.h"

namespace lodestone::losses {

namespace {

#define LODESTONE_LOOPS(T)                                                         \
  LODESTONE_CLONES void log1p_exp_of(T* x, int64_t size) {                         \
    for (int64_t i = 0; i < size; ++i) x[i] = vector_math::log1p_exp(x[i]);        \
  }                                                                                \
  LODESTONE_CLONES void multiply_sigmoid_of(const T* x, T* weight, int64_t size) { \
    for (int64_t i = 0; i < size; ++i) weight[i] *= vector_math::sigmoid(x[i]);    \
  }

LODESTONE_LOOPS(float)
LODESTONE_LOOPS(double)

#undef LODESTONE_LOOPS

}  // namespace

void log1p_exp_(at::Tensor& x) {
  if (!x.device().is_cpu() || !x.is_contiguous()) {
    at::softplus_out(x, x, 1, kLinearFrom);
    return;
  }
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "log1p_exp",
                             [&] { log1p_exp_of(x.mutable_data_ptr<scalar_t>(), x.numel()); });
}

void multiply_sigmoid_(const at::Tensor& x, at::Tensor& weight) {
  if (!x.device().is_cpu() || !x.is_contiguous() || !weight.is_contiguous()) {
    weight.mul_(at::sigmoid(x));
    return;
  }
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "multiply sigmoid", [&] {
    multiply_sigmoid_of(x.const_data_ptr<scalar_t>(), weight.mutable_data_ptr<scalar_t>(), x.numel());
  });
}

}  // namespace lodestone::losses
