#pragma once

#include <array>
#include <memory>

#include <ATen/core/Tensor.h>

#include "trainer/losses/loss.h"
#include "trainer/negatives/relatives.h"

namespace lodestone {

/// Rows × refs whose pairs are looked at together. `square`: rows and refs are the same part, so that each tile of the upper
/// triangle serves both its sides.
struct Block {
  Part rows, refs;
  bool to_refs = false;  ///< the refs' sums or gradient are wanted too, not only the rows'
  bool square = false;
  bool mirrored = false;  ///< another rank looks at the same pairs from the refs' side
  std::shared_ptr<const Relatives> relatives;            ///< of the rows among the refs
  std::shared_ptr<const Relatives> exchanged_relatives;  ///< of the refs among the rows; only if to_refs and not square

  /// The block from the refs' side.
  Block exchanged() const;
};

/// A tile of a block, offsets within the block's parts.
struct TileSpan {
  int64_t row, rows, ref, refs;
  bool both_sides;  ///< the refs' side of this tile is wanted too

  at::Tensor rows_of(const at::Tensor& x_n) const { return x_n.narrow(0, row, rows); }
  at::Tensor refs_of(const at::Tensor& x_n) const { return x_n.narrow(0, ref, refs); }
};

/// Side of a square tile: as large as leaves two tiles of the threads' share in the caches nearest the cores; on a GPU, as
/// large as keeps it busy.
int64_t tile_side(const at::TensorOptions& options);

/// Overwrites the pairs of one tile that are not negatives.
class Exclusions {
 public:
  void fill(at::Tensor& x_rc, double value) const;

 private:
  friend class TileWalk;
  at::Tensor flat_p, mask_rc;
};

/// Walks a block in tiles: rows in stretches, for each all refs in ascending order (from the diagonal on, if square).
/// Owns the buffer in which values are formed, so that no tile allocates.
class TileWalk {
 public:
  TileWalk(const Block& block, Measure measure, double scale);

  /// Calls visit(span, measure_rc, exclusions); measure_rc holds scale · measure and may be overwritten.
  template <typename Visit>
  void run(Visit visit) {
    for (int64_t row = 0; row < block_.rows.size; row += side_) {
      begin_rows(row);
      for (int64_t ref = block_.square ? row : 0; ref < block_.refs.size; ref += side_) {
        const TileSpan span = span_at(row, ref);
        form(span);
        visit(span, tile_rc_, exclusions_);
      }
    }
  }
  /// Further buffers of the shape of the current tile: 0 or 1.
  at::Tensor scratch(const TileSpan& span, size_t which);

 private:
  void begin_rows(int64_t row);
  TileSpan span_at(int64_t row, int64_t ref) const;
  void form(const TileSpan& span);

  const Block& block_;
  Measure measure_;
  double scale_;
  int64_t side_;
  at::Tensor buffer_, tile_rc_, scaled_rD_;
  std::array<at::Tensor, 2> scratch_;
  Exclusions exclusions_;
  PairList excluded_;
  std::vector<int64_t> bounds_;  ///< where each tile's excluded pairs begin, by tile of refs
  bool by_mask_ = false;
};

}  // namespace lodestone
