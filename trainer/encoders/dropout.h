#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

/// Numbers the dropout layers of an encoder: no two layers share random numbers. Below 2^16.
using DropoutSite = int64_t;

/// Dropout (Srivastava et al. 2014): in training, each element is 0 with this probability, and otherwise x /
/// (1 - probability). The choice is a pure function of (seed, step, site, index of the row in the global
/// batch, index of the element in the row): it is the same however rows are divided among ranks, cut into
/// micro-batches, padded, or encoded again.
/// Shapes    x_bXK or x_bYXK; Y below 2^12, X below 2^16, rows of the global batch below 2^36
/// Cost      one 32-bit random number per element, generated on the CPU
at::Tensor dropout(const at::Tensor& x_bXK, double probability, DropoutSite site, const ForwardMode& mode);

}  // namespace lodestone::encoders
