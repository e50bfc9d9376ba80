#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

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
  bool mirrored = false;                       ///< another rank looks at the same pairs from the refs' side
  std::shared_ptr<const Relatives> relatives;  ///< of the rows among the refs
  std::shared_ptr<const Relatives>
      exchanged_relatives;  ///< of the refs among the rows; only if to_refs and not square

  /// The block from the refs' side.
  Block exchanged() const;
};

/// A tile of a block, offsets within the block's parts.
struct TileSpan {
  int64_t row, rows, ref, refs;
  bool both_sides;  ///< the refs' side of this tile is wanted too
  size_t number;    ///< of the tile in its block, whoever works on it

  at::Tensor rows_of(const at::Tensor& x_n) const { return x_n.narrow(0, row, rows); }
  at::Tensor refs_of(const at::Tensor& x_n) const { return x_n.narrow(0, ref, refs); }
};

/// The largest side of a square tile: on a CPU a tile fits the second-level cache of one core (measured: 512 for
/// 1 MiB, where MKL's products run within a tenth of oneDNN's, so that one routine serves all), on a GPU it keeps it busy.
int64_t tile_side(const at::TensorOptions& options);

/// Overwrites the pairs of one tile that are not negatives.
class Exclusions {
 public:
  /// x_rc: contiguous, rows of the tile along dimension 0.
  void fill(at::Tensor& x_rc, double value) const;

 private:
  friend class Worker;
  std::vector<int64_t> flat_p;  ///< on the CPU: places in the tile
  at::Tensor mask_rc;           ///< elsewhere
};

/// Forms one tile after the other in buffers of its own.
class Worker {
 public:
  Worker(const Block& block, Measure measure, double scale, int64_t side);
  void form(const TileSpan& span);
  /// scale · measure of the current tile; may be overwritten.
  at::Tensor& value() { return tile_rc_; }
  /// Further buffers of the shape of the current tile: 0 or 1.
  at::Tensor scratch(size_t which);
  const Exclusions& exclusions() const { return exclusions_; }

 private:
  const Block& block_;
  Measure measure_;
  double scale_;
  at::Tensor buffer_, tile_rc_;
  std::array<at::Tensor, 2> scratch_;
  Exclusions exclusions_;
};

/// Walks a block in tiles. On a CPU each thread works on tiles of its own, in rounds in which every stretch of rows meets at most
/// one stretch of refs (and, in a square block, takes part on one side only): threads need no locks, and a row's tiles come in an
/// order that depends on the tile's side alone.
class TileWalk {
 public:
  TileWalk(const Block& block, Measure measure, double scale);

  /// Calls visit(span, worker), perhaps from several threads at a time, never for two tiles that share rows or refs.
  void run(const std::function<void(const TileSpan&, Worker&)>& visit);
  size_t tiles() const;

 private:
  TileSpan span_at(int64_t row_block, int64_t ref_block) const;
  std::vector<std::vector<std::pair<int64_t, int64_t>>> rounds() const;

  const Block& block_;
  Measure measure_;
  double scale_;
  int64_t side_, row_blocks_, ref_blocks_;
};

}  // namespace lodestone
