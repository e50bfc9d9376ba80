#pragma once

#include "common/features.h"
#include "trainer/encoders/input_shape.h"

namespace lodestone {

/// Synthetic rows to try an encoder with, always the same: noise images, or texts of random tokens, the first
/// of one token and each further one of one token more, up to `length`.
Features made_up_pictures(const InputShape& input, int64_t rows);
Features made_up_texts(const InputShape& input, int64_t rows, int64_t length);

}  // namespace lodestone
