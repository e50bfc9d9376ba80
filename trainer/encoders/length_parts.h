#pragma once

#include <functional>

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

/// Computes encode(x, mask) in parts of texts of similar length, each cut to its longest text, so that short
/// texts in a batch with long ones cost less: a batch of questions and answers takes half the time. The rows
/// of a part are consecutive in descending order of length; a new part begins where a text is shorter than
/// 3/4 of the part's longest, but every part has at least 8 rows. On a GPU, where reading the lengths would
/// make the host wait, while a network is traced, and for fewer than 16 rows it is one call of encode.
/// Shapes    x_nTD, mask_nT; returns n rows of what encode returns, in the order of x
/// Requires  an encode that computes each row independently of other rows and of padding. The result then
///           equals that of one call to rounding, with the same choices of dropout.
at::Tensor by_length(const at::Tensor& x_nTD, const at::Tensor& mask_nT, const ForwardMode& mode,
                     const std::function<at::Tensor(const at::Tensor& x_nTD, const at::Tensor& mask_nT,
                                                    const ForwardMode& mode)>& encode);

}  // namespace lodestone::encoders
