#pragma once

#include <ATen/core/Tensor.h>

// Shapes: r × c a tile, n the rows of a set; of a table [S, n] the rows from `first` on belong to one end of
// the tile.

namespace lodestone::negatives {

/// The end of a tile's pairs whose rows collect the result.
enum class End { kRow, kReference };

/// The nearest reference of each row so far, for S slots.
struct NearestReferences {
  at::Tensor value_Sn;      ///< +inf if there is none
  at::Tensor reference_Sn;  ///< int64: number of the reference, -1 if there is none

  NearestReferences(int64_t slots, int64_t rows, const at::TensorOptions& options);
  /// Searches a tile for the least value above bound_Sn[slot] of each row. The pairs' other ends are numbered
  /// from `first_reference` on. Ties go to the lowest number. Values of +inf are never taken.
  /// Cost      on a CPU one pass without temporaries
  void offer(int64_t slot, const at::Tensor& value_rc, End end, int64_t first, const at::Tensor& bound_Sn,
             int64_t first_reference);
};

/// Adds to count_Pn (float64) the number of values of a tile below each threshold, and to cost_n (float64) Σ
/// max(0, threshold - value). Thresholds have the tile's type; those of a row come first, and -inf fills the
/// rest. CPU only.
void count_below(const at::Tensor& value_rc, End end, int64_t first, const at::Tensor& threshold_Pn,
                 const at::Tensor& count_Pn, const at::Tensor& cost_n);

/// Sets weight_rc to factor · the number of thresholds of a pair's two ends that lie above its value;
/// `reference_threshold_Pn` may be undefined. CPU only.
void weigh_below(const at::Tensor& value_rc, int64_t first_row, const at::Tensor& row_threshold_Pn,
                 int64_t first_reference, const at::Tensor& reference_threshold_Pn, double factor,
                 at::Tensor& weight_rc);

}  // namespace lodestone::negatives
