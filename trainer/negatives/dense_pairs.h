#pragma once

#include "trainer/negatives/global_rows.h"

namespace lodestone {

/// What a loss over the global batch comes to on this rank.
struct LossOutcome {
  double loss = 0;         ///< the global loss, the same on every rank
  double active = 0;       ///< items with a loss above zero, over the global batch
  double valid = 0;        ///< items in all
  at::Tensor gradient_bD;  ///< dL/du of this rank's rows
};

/// The loss over every pair (or triplet) of the global batch, in tiles.
/// Math      pass 1 folds tiles of (my rows × all rows) into row states; sums and counts are added over ranks; row states
///           are all-gathered; pass 2 forms each tile again and adds (w_ij + w_ji) · dmeasure/du_i, which is my rows' exact
///           gradient: as the measure is symmetric nothing has to be sent back.
/// Ranks     collective. The result equals one process with the whole batch, however the rows are shared out.
/// Cost      3 products of 2·b·B·D flops (one more per further pass of the loss); 1 all-gather of b·k floats for a row
///           state of width k, 1 all-reduce of a few numbers; memory O(b·D + B·k + tile)
LossOutcome dense_loss(const Group& group, const GlobalRows& rows, const Loss& loss);

/// The side of a tile, chosen so that a handful of them fit the cache.
inline constexpr int64_t kTileRows = 512;
inline constexpr int64_t kTileColumns = 1024;

/// Calls visit(row, rows, column, columns) for the tiles of (my rows × all rows): rows of my own in blocks, for each block
/// all columns in ascending order. Row indices count from my first row.
template <typename Visit>
void for_each_tile(const GlobalRows& all, Visit visit) {
  for (int64_t row = 0; row < all.local; row += kTileRows)
    for (int64_t column = 0; column < all.size(); column += kTileColumns)
      visit(row, std::min(kTileRows, all.local - row), column, std::min(kTileColumns, all.size() - column));
}

/// Adds the terms' sums and counts over ranks, in double precision. Returns (loss, 1/count of each part); active and valid
/// are filled in `outcome`.
std::vector<double> reduce_terms(const Group& group, const Terms& terms, LossOutcome& outcome);

}  // namespace lodestone
