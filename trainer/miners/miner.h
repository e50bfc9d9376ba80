#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "common/fields.h"

// Shapes here: a anchors, P their positives (the most any of them has), S slots, r × c a tile of anchors and refs, t triplets.

namespace lodestone {

/// Pairs and triplets as indices into the global batch; -1 where an explicit pair has no positive or no negative.
struct Tuples {
  at::Tensor anchor_t;    ///< int64
  at::Tensor positive_t;  ///< int64
  at::Tensor negative_t;  ///< int64
};

/// Picks what of the global batch a loss sees. Distances here: smaller is closer (a similarity comes negated).
/// A miner sees blocks of anchors and tiles of refs and knows no ranks, so that it picks the same on any number of them.
/// Adding a miner: one file here and one line in table.cpp.
class Miner {
 public:
  virtual ~Miner() = default;
  virtual void visit(Fields& f) = 0;
};

/// `all`: nothing is mined, every pair or triplet counts.
class TakeAll : public Miner {
 public:
  void visit(Fields&) override {}
};

/// Keeps or drops each pair of an anchor by comparing it with the anchor's hardest pairs.
class PairMiner : public Miner {
 public:
  /// Kept are the negatives of distance below the first of the pair, and the positives of distance above the second.
  /// Takes each anchor's farthest positive (-inf without one) and nearest negative (+inf without one); all float64 [a].
  virtual std::pair<at::Tensor, at::Tensor> thresholds(const at::Tensor& farthest_positive_a,
                                                       const at::Tensor& nearest_negative_a) const = 0;
};

/// The positives of a block of anchors, by ascending global index.
struct Positives {
  at::Tensor distance_aP;  ///< +inf where an anchor has fewer
  at::Tensor index_aP;     ///< global index, -1 where an anchor has fewer
};

/// A tile of candidates for negatives.
struct Candidates {
  at::Tensor distance_rc;  ///< +inf for pairs that are not negatives
  at::Tensor
      anchor_key_r;  ///< int64: (seed, step, anchor's sample, positive's sample) hashed; for random choices
  at::Tensor ref_key_c;  ///< int64: sample hashed
  int64_t width = 0;     ///< D, of the embeddings
};

/// Picks triplets: for each anchor some positives (its slots), for each slot the negative with the lowest score.
/// Ties go to the lowest global index.
class TripletMiner : public Miner {
 public:
  /// The positives that make triplets, [a, S]; entries with index -1 make none.
  virtual Positives slots(const Positives& all) const = 0;
  /// [r, c]: lower is better, +inf is never chosen; may be the tile's own tensor. positive_r holds one slot's distances (+inf
  /// where there is none). Random choices depend on the keys alone.
  virtual at::Tensor score(const at::Tensor& positive_r, const Candidates& tile) const = 0;
  /// Does every slot have the same scores? Then `score` is asked for the first slot alone.
  virtual bool ignores_slot() const { return false; }
  /// Does `score` take distances for Euclidean ones between points on the unit sphere?
  virtual bool needs_unit_l2() const { return false; }
};

/// Every miner there is.
std::span<const TableRow<Miner>> miner_table();

}  // namespace lodestone
