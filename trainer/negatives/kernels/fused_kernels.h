#pragma once

#include <ATen/core/Tensor.h>

// Shapes: r × c a tile of pairs.

namespace lodestone::negatives {

/// Float64 sums over the rows and over the references of a tile, which results are added to; an undefined one
/// is skipped.
struct TileSums {
  at::Tensor row_r, reference_c;
};

/// One factor for each row and each reference of a tile, of the tile's type; an undefined one is 0.
struct TileFactors {
  at::Tensor row_r, reference_c;
};

// Each of these functions reads a tile once. Tiles are contiguous, and `out` may be the tile itself. On a CPU
// they use the widest vector instructions of the processor for float32 and float64; other devices use ATen.

/// out = e^(slope · x + offset), and its sums.
void exponentials(const at::Tensor& x_rc, double slope, double offset, at::Tensor& out_rc,
                  const TileSums& sums);

/// out = (row + reference) · x. Returns Σ out if wanted, else 0.
double weigh(const at::Tensor& x_rc, const TileFactors& factors, at::Tensor& out_rc, bool want_sum);

/// out = (row + reference) · e^(slope · x + offset). Returns Σ out if wanted, else 0.
double weighed_exponentials(const at::Tensor& x_rc, double slope, double offset, const TileFactors& factors,
                            at::Tensor& out_rc, bool want_sum);

/// Adds the sums of x to `sums`, and the number of values above 0 to `above_zero`.
void add_sums(const at::Tensor& x_rc, const TileSums& sums, const TileSums& above_zero);

/// x = max(0, row + reference + x), and the root of that if `root`. Returns true if any result before the
/// root is below share · (row + reference).
bool finish_distances(at::Tensor& x_rc, const TileFactors& squares, double share, bool root);

}  // namespace lodestone::negatives
