#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/encoders/dropout.h"

namespace lodestone {

/// Softmax attention of several heads (Vaswani et al. 2017): softmax(q kᵀ / sqrt(D / heads) + bias) v, head by head.
/// Shapes    q, k, v and the result nTD, heads side by side in D; bias_n11T is added to the scores, undefined: nothing is
/// Dropout   of the attention weights, as in BERT. Without it the weights are never held: LibTorch's fused kernel.
at::Tensor attention(const at::Tensor& q_nTD, const at::Tensor& k_nTD, const at::Tensor& v_nTD, int64_t heads,
                     const at::Tensor& bias_n11T, double dropout_probability, DropoutSite site,
                     const ForwardMode& mode);

}  // namespace lodestone
