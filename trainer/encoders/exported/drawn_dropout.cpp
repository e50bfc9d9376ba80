#include "trainer/encoders/exported/drawn_dropout.h"

#include <string>

#include "common/error.h"

namespace lodestone::encoders::exported {

// The axes of dropout(): rows, planes, columns and the last one.
at::Tensor dropped(const at::Tensor& x, double probability, DropoutSite site,
                   const std::optional<int64_t>& rows_per_row, const ForwardMode& mode) {
  if (!mode.training || probability <= 0) return x;
  if (!rows_per_row)
    throw ConfigError(
        "exported: expected dropout on tensors whose first axis is the batch, got one with another first "
        "axis, whose random numbers other ranks cannot draw again; set its probability to 0 before the "
        "export");
  const int64_t rows = x.size(0) / *rows_per_row, last = x.dim() > 1 ? x.size(-1) : 1,
                columns = x.dim() > 2 ? x.size(-2) : 1;
  const int64_t inner = last * columns;
  const int64_t planes = inner == 0 || rows == 0 ? 0 : x.numel() / (rows * inner);
  if (planes >= 1 << 12 || columns >= 1 << 16)
    throw ConfigError("exported: expected dropout on tensors of less than 4,096 planes of 65,536 rows, got " +
                      std::to_string(planes) + " of " + std::to_string(columns) +
                      "; set its probability to 0 before the export");
  return dropout(x.reshape({rows, planes, columns, last}), probability, site, mode).view_as(x);
}

}  // namespace lodestone::encoders::exported
