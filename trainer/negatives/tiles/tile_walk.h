#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/losses/loss.h"
#include "trainer/negatives/tiles/ordered_tasks.h"
#include "trainer/negatives/tiles/relatives.h"

namespace lodestone {

/// Positive pairs with their values.
struct PairValues {
  PairList pairs;           ///< within the parts
  at::Tensor row_p, ref_p;  ///< within the sets
  at::Tensor value_p;       ///< float64
};

/// What one walk over a block leaves to the next.
struct KeptTiles {
  int64_t* room = nullptr;  ///< numbers that may still be kept, shared with other blocks
  at::Tensor number_p;  ///< tiles, one after the other: the first of the walk, as many as there was room for
  std::vector<char> formed;  ///< which, by their numbers; such a tile stands as the last visitor left it
  std::array<std::optional<PairValues>, 2> positives;  ///< of the block, and of the block from its other side
};

/// Rows × refs whose pairs are looked at together. `square`: rows and refs are the same part, so that each tile of the upper
/// triangle serves both its sides.
struct Block {
  Part rows, refs;
  bool to_refs = false;  ///< the refs' sums or gradient are wanted too, not only the rows'
  bool square = false;
  bool mirrored = false;                       ///< another rank looks at the same pairs from the refs' side
  std::shared_ptr<const Relatives> relatives;  ///< of the rows among the refs
  std::shared_ptr<const Relatives>
      exchanged_relatives;          ///< of the refs among the rows; only if to_refs and not square
  std::shared_ptr<KeptTiles> kept;  ///< null: nothing is kept
  bool turned = false;              ///< seen from the refs' side

  /// The block from the refs' side.
  Block exchanged() const;
  std::optional<PairValues>& kept_pairs() const { return kept->positives[turned ? 1 : 0]; }
};

/// A tile of a block, offsets within the block's parts.
struct TileSpan {
  int64_t row, rows, ref, refs;
  bool both_sides;  ///< the refs' side of this tile is wanted too
  size_t number;    ///< of the tile in its block, whoever works on it
  int64_t place;    ///< how many pairs the tiles before it have

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

/// Forms one tile after the other.
class Worker {
 public:
  Worker(const Block& block, Measure measure, double scale, int64_t side);
  void form(const TileSpan& span);
  /// scale · measure of the current tile, or what an earlier walk's visitor made of it if `found()`. Overwriting it is seen by
  /// the next walk's visitor if `stays()`.
  at::Tensor& value() { return tile_rc_; }
  bool found() const { return found_; }
  bool stays() const { return stays_; }
  /// A buffer of the shape of the current tile; there are two, numbered 0 and 1.
  at::Tensor& scratch(size_t which);
  const Exclusions& exclusions();

 private:
  const Block& block_;
  Measure measure_;
  double scale_;
  int64_t side_;
  const TileSpan* span_ = nullptr;
  bool found_ = false, stays_ = false, excluded_ = false;
  at::Tensor buffer_, tile_rc_;
  std::array<at::Tensor, 2> scratch_, scratch_rc_;
  Exclusions exclusions_;
};

/// Walks a block in tiles. On a CPU each thread works on tiles of its own; of the tiles that share rows or refs one is done before the
/// next begins, so that threads need no locks and a row's tiles come in an order that depends on the tile's side alone. That order goes
/// in rounds in which every stretch of rows meets at most one stretch of refs (and, in a square block, takes part on one side only), so
/// that there is always work that waits for nothing. A square block's tiles on the diagonal are halved again and again, since
/// half of such a tile is formed in vain.
class TileWalk {
 public:
  TileWalk(const Block& block, Measure measure, double scale);

  /// Calls visit(span, worker), perhaps from several threads at a time, never for two tiles that share rows or refs.
  void run(const std::function<void(const TileSpan&, Worker&)>& visit);
  size_t tiles() const { return spans_.size(); }

 private:
  /// Tiles that one thread works on, one after the other: [first, end) of spans_.
  struct Task {
    size_t first, end;
  };
  void add_span(int64_t row, int64_t rows, int64_t ref, int64_t refs, bool both_sides);
  void add_diagonal(int64_t row, int64_t rows);
  void add_task(int64_t row_block, int64_t ref_block);
  void plan();
  void plan_square();
  void reserve_kept();

  const Block& block_;
  Measure measure_;
  double scale_;
  int64_t side_, row_blocks_, ref_blocks_;
  std::vector<TileSpan> spans_;
  std::vector<Task> tasks_;
  OrderedTasks order_;  ///< of tasks_, in the same order
};

}  // namespace lodestone
