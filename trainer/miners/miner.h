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

class PairMiner;
class TripletMiner;
class NearestMiner;
class DrawingMiner;

/// Picks what of the global batch a loss sees. Distances here: smaller is closer (a similarity comes negated).
/// A miner sees blocks of anchors and tiles of refs and knows no ranks, so that it picks the same on any number of them.
/// Adding a miner: one file here and one line in table.cpp.
class Miner {
 public:
  virtual ~Miner() = default;
  virtual void visit(Fields& f) = 0;
  /// What kind of miner it is: it takes all, or one of these is itself.
  virtual bool takes_all() const { return false; }
  virtual const PairMiner* as_pairs() const { return nullptr; }
  virtual const TripletMiner* as_triplets() const { return nullptr; }
};

/// `all`: nothing is mined, every pair or triplet counts.
class TakeAll : public Miner {
 public:
  void visit(Fields&) override {}
  bool takes_all() const final { return true; }
};

/// Keeps or drops each pair of an anchor by comparing it with the anchor's hardest pairs.
class PairMiner : public Miner {
 public:
  const PairMiner* as_pairs() const final { return this; }
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

/// Picks triplets: for each anchor some positives (its slots), for each slot one negative. Ties go to the lowest global index.
class TripletMiner : public Miner {
 public:
  const TripletMiner* as_triplets() const final { return this; }
  /// One of these is itself.
  virtual const NearestMiner* as_nearest() const { return nullptr; }
  virtual const DrawingMiner* as_drawing() const { return nullptr; }
  /// The positives that make triplets, [a, S]; entries with index -1 make none. Slots of slots are the slots.
  virtual Positives slots(const Positives& all) const = 0;
  /// Does it take distances for Euclidean ones between points on the unit sphere?
  virtual bool needs_unit_l2() const { return false; }
};

/// For each slot the nearest negative at a distance between two bounds.
class NearestMiner : public TripletMiner {
 public:
  const NearestMiner* as_nearest() const final { return this; }
  /// Both exclusive, [a, S], from the slots' distances (+inf where there is none).
  struct Bounds {
    at::Tensor beyond_aS, within_aS;
  };
  virtual Bounds bounds(const at::Tensor& positive_aS) const = 0;
};

/// A tile of candidates for negatives.
struct Candidates {
  at::Tensor distance_rc;  ///< +inf for pairs that are not negatives
  at::Tensor
      anchor_key_r;  ///< int64: (seed, step, anchor's sample, positive's sample) hashed; for random choices
  at::Tensor ref_key_c;  ///< int64: sample hashed
  int64_t width = 0;     ///< D, of the embeddings
};

/// For each slot the negative with the lowest of the scores that are drawn.
class DrawingMiner : public TripletMiner {
 public:
  const DrawingMiner* as_drawing() const final { return this; }
  /// [r, c]: lower is better, +inf is never chosen; depends on each pair's distance and keys alone.
  virtual at::Tensor score(const Candidates& tile) const = 0;
};

/// Every miner there is.
std::span<const TableRow<Miner>> miner_table();

}  // namespace lodestone
