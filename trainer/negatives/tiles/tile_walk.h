#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/losses/loss.h"
#include "trainer/negatives/tiles/ordered_tasks.h"
#include "trainer/negatives/tiles/pair_masks.h"

namespace lodestone::negatives {

/// Positive pairs with their values.
struct PairValues {
  PairList pairs;                 ///< indices within the parts
  at::Tensor row_p, reference_p;  ///< indices within the sets
  at::Tensor value_p;             ///< float64
};

/// The tiles that one walk over a block keeps for the next walk.
struct KeptTiles {
  int64_t* room = nullptr;  ///< how many numbers may still be kept, shared with other blocks
  at::Tensor number_p;      ///< the first tiles of the walk, concatenated, as many as there was room for
  /// whether the tile of each number is kept; it holds what the last visitor left in it
  std::vector<char> formed;
  /// positives of the block, and of the block seen from its other side
  std::array<std::optional<PairValues>, 2> positives;
};

/// Rows × references whose pairs are processed together. `square`: rows and references are the same part, so
/// each tile of the upper triangle serves both sides.
struct Block {
  Part rows, references;
  /// sums or gradient of the references are computed too, not only those of the rows
  bool to_references = false;
  bool square = false;
  bool mirrored = false;  ///< another rank processes the same pairs from the references' side
  std::shared_ptr<const PairMasks> masks;  ///< masks of the rows among the references
  /// masks of the references among the rows; only if to_references and not square
  std::shared_ptr<const PairMasks> exchanged_masks;
  std::shared_ptr<KeptTiles> kept;  ///< null: nothing is kept
  bool turned = false;              ///< seen from the references' side

  /// The same block with rows and references exchanged.
  Block exchanged() const;
  std::optional<PairValues>& kept_pairs() const { return kept->positives[turned ? 1 : 0]; }
};

/// A tile of a block, as offsets within the block's parts.
struct TileSpan {
  int64_t row, rows, reference, references;
  bool both_sides;  ///< the results of the references' side are computed too
  size_t number;    ///< number of the tile in its block, independent of the thread
  int64_t place;    ///< number of pairs in the tiles before it

  at::Tensor rows_of(const at::Tensor& x_n) const { return x_n.narrow(0, row, rows); }
  at::Tensor references_of(const at::Tensor& x_n) const { return x_n.narrow(0, reference, references); }
};

/// The largest side of a square tile. On a CPU a tile fits the second-level cache of one core (measured: 512
/// for 1 MiB, where MKL's products run within a tenth of oneDNN's, so one routine serves all); on a GPU it is
/// large enough to keep the GPU busy.
int64_t tile_side(const at::TensorOptions& options);

/// Overwrites the pairs of one tile that are not negatives.
class Exclusions {
 public:
  /// x_rc: contiguous, rows of the tile along dimension 0.
  void fill(at::Tensor& x_rc, double value) const;

 private:
  friend class Worker;
  std::vector<int64_t> flat_p;  ///< on the CPU: indices into the tile
  at::Tensor mask_rc;           ///< elsewhere
};

/// Computes tiles, one after the other, in buffers of its own.
class Worker {
 public:
  Worker(const Block& block, losses::Measure measure, double scale, int64_t side);
  void form(const TileSpan& span);
  /// scale · measure of the current tile, or, if `found()`, what the visitor of an earlier walk left in it.
  /// If `stays()`, the visitor of the next walk sees what is written to it.
  at::Tensor& value() { return tile_rc_; }
  bool found() const { return found_; }
  bool stays() const { return stays_; }
  /// A buffer of the shape of the current tile; there are two, numbered 0 and 1.
  at::Tensor& scratch(size_t which);
  const Exclusions& exclusions();

 private:
  const Block& block_;
  losses::Measure measure_;
  double scale_;
  int64_t side_;
  const TileSpan* span_ = nullptr;
  bool found_ = false, stays_ = false, excluded_ = false;
  at::Tensor buffer_, tile_rc_;
  std::array<at::Tensor, 2> scratch_, scratch_rc_;
  Exclusions exclusions_;
};

/// Walks a block in tiles. On a CPU each thread works on tiles of its own. Tiles that share rows or
/// references run one after the other, so threads need no locks, and the order of a row's tiles depends only
/// on the tile's side. That order consists of rounds in which every range of rows is paired with at most one
/// range of references (and, in a square block, takes part on one side only), so there is always work that
/// waits for nothing. A square block's tiles on the diagonal are halved repeatedly, since half of such a tile
/// is computed in vain.
class TileWalk {
 public:
  TileWalk(const Block& block, losses::Measure measure, double scale);

  /// Calls visit(span, worker), possibly from several threads at a time, but never for two tiles that share
  /// rows or references.
  void run(const std::function<void(const TileSpan&, Worker&)>& visit);
  size_t tiles() const { return spans_.size(); }

 private:
  /// Tiles that one thread works on, one after the other: [first, end) of spans_.
  struct Task {
    size_t first, end;
  };
  void add_span(int64_t row, int64_t rows, int64_t reference, int64_t references, bool both_sides);
  void add_diagonal(int64_t row, int64_t rows);
  void add_task(int64_t row_block, int64_t reference_block);
  void plan();
  void plan_square();
  void reserve_kept();

  const Block& block_;
  losses::Measure measure_;
  double scale_;
  int64_t side_, row_blocks_, reference_blocks_;
  std::vector<TileSpan> spans_;
  std::vector<Task> tasks_;
  OrderedTasks order_;  ///< the order of tasks_, by the same indices
};

}  // namespace lodestone::negatives
