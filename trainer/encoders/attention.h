#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/encoders/dropout.h"

namespace lodestone::encoders {

/// Multi-head softmax attention (Vaswani et al. 2017). Dropout applies to the attention weights, as in BERT;
/// without it LibTorch's fused kernel runs and the weights are never stored.
/// Math      softmax(q kᵀ / sqrt(D / heads) + bias) v, for each head
/// Shapes    q, k, v and the result nTD, heads side by side in D; bias_n11T is added to the scores
///           (undefined: none)
at::Tensor attention(const at::Tensor& q_nTD, const at::Tensor& k_nTD, const at::Tensor& v_nTD, int64_t heads,
                     const at::Tensor& bias_n11T, double dropout_probability, DropoutSite site,
                     const ForwardMode& mode);

}  // namespace lodestone::encoders
