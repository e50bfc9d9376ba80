#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "common/fields.h"

// Shapes here: r anchor rows and c ref columns of one tile, k columns of row state, t tuples.

namespace lodestone {

/// Pairs and triplets as indices into the global batch; -1 where an explicit pair has no positive or no negative.
struct Tuples {
  at::Tensor anchor_t;    ///< int64
  at::Tensor positive_t;  ///< int64
  at::Tensor negative_t;  ///< int64
};

/// A block of the distance matrix as a miner sees it.
struct MiningTile {
  at::Tensor distance_rc;  ///< smaller is closer (a similarity comes negated)
  at::Tensor positive_rc;  ///< bool
  at::Tensor negative_rc;  ///< bool
  at::Tensor slot_rc;      ///< int64: which of its anchor's positives a positive pair is, by global index
  int64_t first_ref;       ///< global index of column 0
};

/// What a miner keeps per anchor row while it walks the tiles: distances and the global indices they belong to.
struct MiningState {
  at::Tensor distance_rk;
  at::Tensor index_rk;  ///< int64, -1 where nothing was found
};

/// Picks tuples from the global batch. Like a loss it sees tiles and keeps row state, so that it picks the same tuples
/// on any number of ranks; tiles come in ascending order of refs and ties go to the lowest global index.
/// Adding a miner: one file here and one line in table.cpp.
class Miner {
 public:
  virtual ~Miner() = default;
  virtual void visit(Fields& f) = 0;
  /// True for `all`: the loss then runs over every pair or triplet and nothing is mined.
  virtual bool takes_all() const { return false; }
  virtual int passes() const { return 1; }
  virtual MiningState initial_state(int64_t rows, int64_t max_positives, const at::TensorOptions& options) const = 0;
  /// Folds one tile into the state, in place.
  virtual void fold(int pass, const MiningTile& tile, MiningState& state) const = 0;
  /// The tuples of these anchors; anchor_r holds their global indices.
  virtual Tuples tuples(const at::Tensor& anchor_r, const MiningState& state) const = 0;
};

/// Every miner there is.
std::span<const TableRow<Miner>> miner_table();

}  // namespace lodestone
