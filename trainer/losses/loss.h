#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/fields.h"

// Shapes here: r anchor rows and c ref columns of one tile, k columns of row state, t tuples, B the global batch.

namespace lodestone {

/// What a tile holds for each pair (anchor, ref).
enum class Measure {
  kSimilarity,  ///< dot product of the (usually normalised) rows: larger is closer
  kL2,          ///< Euclidean distance
  kSquaredL2,   ///< its square
};

/// A block of the pair matrix as one side sees it: all members broadcast against value_rc. Seen from the other side
/// (refs as anchors) the same values and masks serve, with the two class ranks exchanged.
struct Tile {
  at::Tensor value_rc;     ///< the loss's measure of each pair
  at::Tensor positive_rc;  ///< bool: same class, not the row itself
  at::Tensor negative_rc;  ///< bool: another class, no look-alike of it, not the same sample id
  at::Tensor anchor_rank;  ///< int64 [r,1] (or [1,c] from the other side): the anchor's place among its class, by global index
  at::Tensor ref_rank;     ///< int64 [1,c] (or [r,1])

  /// Which of its anchor's positives a positive pair is: 0 … positives-1, by global index. Meaningless for others.
  at::Tensor positive_slot() const;
};

/// What a loss comes to: L = Σ_parts sum / count, with sums and counts over the GLOBAL batch.
/// A count of zero makes the part zero.
struct Terms {
  std::vector<at::Tensor> sums;    ///< scalars
  std::vector<at::Tensor> counts;  ///< scalars
  at::Tensor active;               ///< scalar: items with a loss above zero
  at::Tensor valid;                ///< scalar: items in all
};

/// The measured pairs of t tuples. Absent members (an explicit positive pair has no negative) are masked out.
struct TupleValues {
  at::Tensor positive_t;           ///< measure(anchor, positive)
  at::Tensor negative_t;           ///< measure(anchor, negative)
  at::Tensor positive_negative_t;  ///< measure(positive, negative); defined only if the loss asks for it
  at::Tensor has_positive_t;       ///< bool
  at::Tensor has_negative_t;       ///< bool
};

/// A loss over pairs or triplets of embeddings. It states its mathematics on tiles of the pair matrix and knows neither
/// ranks nor tiles' places, so that the same code is exact for one process and for any split over ranks:
///
///   1. `fold` walks the tiles of its anchors' rows, `passes()` times, and keeps a few numbers per row: the row state.
///   2. `terms` turns row states into sums and counts; these are added over all ranks.
///   3. `weight` gives w_ij = dL/dvalue_ij with i as the anchor, from the tile and i's row state. As the measure is
///      symmetric, the gradient of row i needs w_ij + w_ji, and w_ji is the same function of the same tile with j's state.
///
/// With a miner, or with explicit pairs or triplets, `tuple_terms` is used in place of all three.
/// Adding a loss: one file here and one line in table.cpp; docs/extend.md walks through it.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual void visit(Fields& f) = 0;
  virtual Measure measure() const = 0;

  /// Width k of the row state when no anchor has more than `max_positives` positives.
  virtual int64_t state_width(int64_t max_positives) const = 0;
  virtual int passes() const { return 1; }
  /// The row state before the first pass: [rows, k].
  virtual at::Tensor initial_state(int64_t rows, int64_t max_positives, const at::TensorOptions& options) const = 0;
  /// Folds one tile into state_rk, in place.
  virtual void fold(int pass, const Tile& tile, at::Tensor& state_rk) const = 0;
  virtual Terms terms(const at::Tensor& state_rk) const = 0;
  /// dL/dvalue of the tile for the anchors that own `state` (k tensors that broadcast as the anchor does).
  /// `scale` is 1/count of each part of terms (0 where the count is 0).
  virtual at::Tensor weight(const Tile& tile, const std::vector<at::Tensor>& state,
                            const std::vector<double>& scale) const = 0;

  /// Does tuple_terms read positive_negative_t (the swap of the triplet loss)?
  virtual bool needs_positive_negative() const { return false; }
  /// Sums and counts over tuples, differentiable by autograd in the values.
  virtual Terms tuple_terms(const TupleValues& values) const = 0;
  /// May this loss be used with a miner or with explicit tuples?
  virtual bool takes_tuples() const { return true; }
  /// May it be used with explicit pairs (tuples without a positive or without a negative)?
  virtual bool takes_pairs() const { return false; }

  /// The same loss written plainly over the whole pair matrix, differentiable by autograd, for verify-gradients.
  /// Memory grows with the square of the batch (triplets: with B² per anchor).
  virtual at::Tensor reference(const at::Tensor& value_BB, const at::Tensor& positive_BB,
                               const at::Tensor& negative_BB) const = 0;
};

/// Every loss there is.
std::span<const TableRow<Loss>> loss_table();

}  // namespace lodestone
