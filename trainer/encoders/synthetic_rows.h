#pragma once

#include "common/features.h"
#include "trainer/encoders/input_shape.h"

namespace lodestone::encoders {

/// Synthetic rows to try an encoder with, always the same: noise images, or texts of random tokens, the first
/// of one token and each further one of one token more, up to `length`.
Features synthetic_images(const InputShape& input, int64_t rows);
Features synthetic_texts(const InputShape& input, int64_t rows, int64_t length);

}  // namespace lodestone::encoders
