#pragma once

#include <functional>

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone {

/// encode(x, mask), text after text of like length together and each part cut to its longest, so that short texts in a batch with long
/// ones don't cost as much as these: a batch of questions and answers takes half the time. For what computes rows that don't see each
/// other and doesn't depend on padding; then the result is that of one call, in the same order, to rounding, and dropout's choices are
/// the same. On a GPU, where reading lengths would make it wait, and while a network is traced, it is one call.
/// Shapes    x_nTD, mask_nT; the result is n × what encode gives of a row
/// Parts     rows by falling length; a new part where a text is shorter than 3/4 of the part's longest, of at least 8 rows
at::Tensor by_length(const at::Tensor& x_nTD, const at::Tensor& mask_nT, const ForwardMode& mode,
                     const std::function<at::Tensor(const at::Tensor& x_nTD, const at::Tensor& mask_nT,
                                                    const ForwardMode& mode)>& encode);

}  // namespace lodestone
