#pragma once

#include <ATen/core/Tensor.h>

namespace lodestone::encoders {

/// How features become one vector; an encoder offers some of these.
enum class Pooling { kMean, kGem, kCls, kPooler, kFlatten };

/// Generalised mean over the axes after the channels (Radenović et al. 2019): (mean max(x, 1e-6)^p)^(1/p); p
/// = 1 is the mean, a large p approaches the maximum. x_bCX to [b, C]; p_1 is learned.
at::Tensor generalized_mean(const at::Tensor& x_bCX, const at::Tensor& p_1);

/// Mean over a text's tokens without padding; a text without tokens gives 0. h_nTD and mask_nT to [n, D].
at::Tensor mean_of_tokens(const at::Tensor& h_nTD, const at::Tensor& mask_nT);

}  // namespace lodestone::encoders
