#pragma once

#include <functional>

#include <ATen/core/Tensor.h>

#include "common/features.h"
#include "trainer/encoders/input_shape.h"

namespace lodestone {

/// Checks that a model which is not ours gives each row its own embedding: the same at each call, alone or among others, and
/// (texts) with or without padding behind it. A model traced in train() does none of that: its batch norms see the batch, its
/// dropout draws. `embed` is the model in eval(), on the CPU.
/// Returns   the width of the embedding
/// Tolerance 0.001 of the largest number, where kernels round otherwise for other sizes; 0.05 where `coarse` (weights of 16 bits)
/// Cost      rows of 3 and 1, each a few times
/// Throws    ConfigError
int64_t check_rows(const std::function<at::Tensor(const Features&)>& embed, const InputShape& input,
                   bool coarse);

}  // namespace lodestone
