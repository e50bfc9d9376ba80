#pragma once

#include <ATen/core/Tensor.h>

// Shapes: r × c a tile of pairs.

namespace lodestone {

/// Float64 sums over the rows and over the refs of a tile, which are added to; an undefined one is not wanted.
struct TileSums {
  at::Tensor row_r, ref_c;
};

/// One factor for each row and each ref of a tile, of the tile's type; an undefined one is 0.
struct TileFactors {
  at::Tensor row_r, ref_c;
};

// Each of these goes over a tile once. Tiles are contiguous, and `out` may be the tile itself. On a CPU float32 and float64 are
// worked on in the widest vector instructions that the processor has; elsewhere ATen does it.

/// out = e^(slope · x + offset), and its sums.
void exponentials(const at::Tensor& x_rc, double slope, double offset, at::Tensor& out_rc,
                  const TileSums& sums);

/// out = (row + ref) · x. Returns Σ out if wanted, else 0.
double weigh(const at::Tensor& x_rc, const TileFactors& factors, at::Tensor& out_rc, bool want_sum);

/// out = (row + ref) · e^(slope · x + offset). Returns Σ out if wanted, else 0.
double weighed_exponentials(const at::Tensor& x_rc, double slope, double offset, const TileFactors& factors,
                            at::Tensor& out_rc, bool want_sum);

/// The sums of x, and how many of it are above 0.
void add_sums(const at::Tensor& x_rc, const TileSums& sums, const TileSums& above_zero);

/// x = max(0, row + ref + x), and its root if asked. True if any has come out below share · (row + ref).
bool finish_distances(at::Tensor& x_rc, const TileFactors& squares, double share, bool root);

}  // namespace lodestone
