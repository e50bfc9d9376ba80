#pragma once

#include <optional>

#include "trainer/encoders/dropout.h"

namespace lodestone::encoders::exported {

/// Dropout with this library's numbers on a tensor of any number of axes.
/// Requires  `rows_per_row` rows of x's first axis belong to a row of the batch (Reading::rows_per_row)
/// Throws    ConfigError in training if that is unknown, or if the other axes exceed dropout's limits
at::Tensor dropped(const at::Tensor& x, double probability, DropoutSite site,
                   const std::optional<int64_t>& rows_per_row, const ForwardMode& mode);

}  // namespace lodestone::encoders::exported
