#include "trainer/encoders/attention.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

namespace lodestone::encoders {

at::Tensor attention(const at::Tensor& q_nTD, const at::Tensor& k_nTD, const at::Tensor& v_nTD, int64_t heads,
                     const at::Tensor& bias_n11T, double dropout_probability, DropoutSite site,
                     const ForwardMode& mode) {
  const auto split = [&](const at::Tensor& x_nTD) {
    return x_nTD.unflatten(-1, {heads, x_nTD.size(-1) / heads}).transpose(1, 2);
  };
  const at::Tensor q_nhTd = split(q_nTD), k_nhTd = split(k_nTD), v_nhTd = split(v_nTD);
  const at::Tensor bias = bias_n11T.defined() ? bias_n11T.to(q_nhTd.scalar_type()) : at::Tensor();
  at::Tensor y_nhTd;
  if (mode.training && dropout_probability > 0) {
    at::Tensor score_nhTT =
        at::matmul(q_nhTd, k_nhTd.transpose(2, 3)) / std::sqrt(static_cast<double>(q_nhTd.size(3)));
    if (bias.defined()) score_nhTT = score_nhTT + bias;
    y_nhTd = at::matmul(dropout(score_nhTT.softmax(-1), dropout_probability, site, mode), v_nhTd);
  } else {
    y_nhTd = at::scaled_dot_product_attention(q_nhTd, k_nhTd, v_nhTd,
                                              bias.defined() ? std::optional(bias) : std::nullopt);
  }
  return y_nhTd.transpose(1, 2).flatten(2);
}

}  // namespace lodestone::encoders
