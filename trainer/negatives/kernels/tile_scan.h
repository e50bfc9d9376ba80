#pragma once

#include <ATen/core/Tensor.h>

// Shapes: r × c a tile, n the rows of a set; of a table [S, n] the rows from `first` on belong to one end of
// the tile.

namespace lodestone {

/// The end of a tile's pairs whose rows collect the result.
enum class End { kRow, kRef };

/// The nearest reference of each row so far, for S slots.
struct NearestRefs {
  at::Tensor value_Sn;  ///< +inf if there is none
  at::Tensor ref_Sn;    ///< int64: number of the reference, -1 if there is none

  NearestRefs(int64_t slots, int64_t rows, const at::TensorOptions& options);
  /// Searches a tile for the least value above bound_Sn[slot] of each row. The pairs' other ends are numbered
  /// from `first_ref` on. Ties go to the lowest number. Values of +inf are never taken.
  /// Cost      on a CPU one pass without temporaries
  void offer(int64_t slot, const at::Tensor& value_rc, End end, int64_t first, const at::Tensor& bound_Sn,
             int64_t first_ref);
};

/// Adds to count_Pn (float64) the number of values of a tile below each threshold, and to cost_n (float64) Σ
/// max(0, threshold - value). Thresholds have the tile's type; those of a row come first, and -inf fills the
/// rest. CPU only.
void count_below(const at::Tensor& value_rc, End end, int64_t first, const at::Tensor& threshold_Pn,
                 const at::Tensor& count_Pn, const at::Tensor& cost_n);

/// Sets weight_rc to factor · the number of thresholds of a pair's two ends that lie above its value;
/// `ref_threshold_Pn` may be undefined. CPU only.
void weigh_below(const at::Tensor& value_rc, int64_t first_row, const at::Tensor& row_threshold_Pn,
                 int64_t first_ref, const at::Tensor& ref_threshold_Pn, double factor, at::Tensor& weight_rc);

}  // namespace lodestone
