#pragma once

#include <functional>

#include <ATen/core/Tensor.h>

#include "common/features.h"
#include "trainer/encoders/input_shape.h"

namespace lodestone::encoders {

/// A model of another library's, as messages name it.
struct ForeignModel {
  const char* encoder;  ///< encoder.name
  const char* remedy;   ///< what to do if its rows depend on chance or on each other; begins with "; "
};

/// Checks that a foreign model gives each row its own embedding: the same in each call, alone or with other
/// rows, and (texts) with or without padding. A model that was traced in train() fails: its batch norms
/// depend on the batch and its dropout draws numbers. `embed` is the model in eval(), on the CPU. Returns the
/// width of the embedding. The tolerance is 0.001 of the largest number, since kernels round differently for
/// other sizes, or 0.05 if `coarse` (weights of 16 bits).
/// Cost      a few passes of 3 rows and of 1 row
/// Throws    ConfigError
int64_t check_rows(const std::function<at::Tensor(const Features&)>& embed, const InputShape& input,
                   bool coarse, const ForeignModel& model);

}  // namespace lodestone::encoders
