#include "trainer/encoders/pooling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/reciprocal.h>

namespace lodestone::encoders {

at::Tensor generalized_mean(const at::Tensor& x_bCX, const at::Tensor& p_1) {
  return x_bCX.flatten(2).clamp_min(1e-6).pow(p_1).mean(-1).pow(at::reciprocal(p_1));
}

at::Tensor mean_of_tokens(const at::Tensor& h_nTD, const at::Tensor& mask_nT) {
  const at::Tensor weight_nT1 = mask_nT.to(h_nTD.scalar_type()).unsqueeze(-1);
  return (h_nTD * weight_nT1).sum(1) / weight_nT1.sum(1).clamp_min(1e-9);
}

}  // namespace lodestone::encoders
