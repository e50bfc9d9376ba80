#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "common/fields.h"

// Shapes here: a anchors, P their positives (the most that any of them has), S slots, r × c a tile of anchors
// and references, t triplets.

namespace lodestone::miners {

/// Pairs and triplets as indices into the global batch; -1 if an explicit pair has no positive or no
/// negative.
struct Tuples {
  at::Tensor anchor_t;    ///< int64
  at::Tensor positive_t;  ///< int64
  at::Tensor negative_t;  ///< int64
};

class PairMiner;
class TripletMiner;
class NearestMiner;
class DrawingMiner;

/// Selects the pairs or triplets of the global batch that a loss sees. It gets blocks of anchors and tiles of
/// references and knows no ranks, so it selects the same on any number of them. Smaller distances are closer;
/// a similarity is passed negated. To add a miner, write one file here and one row in table.cpp.
class Miner {
 public:
  virtual ~Miner() = default;
  virtual void visit(Fields& f) = 0;
  /// The miner as its kind: takes_all() is true, or exactly one of the pointers is not null, and it is the
  /// object itself.
  virtual bool takes_all() const { return false; }
  /// Does it select only the hardest triplets? They can collapse an untrained encoder; the warning about a
  /// collapse names them.
  virtual bool only_hardest() const { return false; }
  virtual const PairMiner* as_pairs() const { return nullptr; }
  virtual const TripletMiner* as_triplets() const { return nullptr; }
};

/// `all`: no mining; every pair or triplet counts.
class TakeAll : public Miner {
 public:
  void visit(Fields&) override {}
  bool takes_all() const final { return true; }
};

/// Keeps or drops each pair of an anchor by comparing its distance with those of the anchor's hardest pairs.
class PairMiner : public Miner {
 public:
  const PairMiner* as_pairs() const final { return this; }
  /// Keeps the negatives with a distance below the first result, and the positives with a distance above the
  /// second.
  /// Shapes    all float64 [a]; farthest_positive_a is -inf for an anchor without a positive,
  ///           nearest_negative_a is +inf for one without a negative
  virtual std::pair<at::Tensor, at::Tensor> thresholds(const at::Tensor& farthest_positive_a,
                                                       const at::Tensor& nearest_negative_a) const = 0;
};

/// The positives of a block of anchors, by ascending global index.
struct Positives {
  at::Tensor distance_aP;  ///< +inf where an anchor has fewer
  at::Tensor index_aP;     ///< global index, -1 where an anchor has fewer
};

/// Selects triplets: for each anchor some positives (its slots), for each slot one negative. Ties go to the
/// lowest global index.
class TripletMiner : public Miner {
 public:
  const TripletMiner* as_triplets() const final { return this; }
  /// The miner as its kind; exactly one is not null, and it is the object itself.
  virtual const NearestMiner* as_nearest() const { return nullptr; }
  virtual const DrawingMiner* as_drawing() const { return nullptr; }
  /// The positives that form triplets, [a, S]; entries with index -1 form none. The slots of a result of this
  /// function are that result again.
  virtual Positives slots(const Positives& all) const = 0;
  /// Does it require Euclidean distances between points on the unit sphere?
  virtual bool needs_unit_l2() const { return false; }
};

/// Selects for each slot the nearest negative at a distance between two bounds.
class NearestMiner : public TripletMiner {
 public:
  const NearestMiner* as_nearest() const final { return this; }
  /// The exclusive bounds, [a, S], computed from the slots' distances (+inf for a slot without a positive).
  struct Bounds {
    at::Tensor beyond_aS, within_aS;
  };
  virtual Bounds bounds(const at::Tensor& positive_aS) const = 0;
};

/// A tile of candidates for negatives.
struct Candidates {
  at::Tensor distance_rc;  ///< +inf for pairs that are not negatives
  /// int64 hashes of (seed, step, anchor's sample, positive's sample); for random choices
  at::Tensor anchor_key_r;
  at::Tensor reference_key_c;  ///< int64: hash of the sample
  int64_t width = 0;           ///< D, the width of the embeddings
};

/// Selects for each slot the negative with the lowest random score.
class DrawingMiner : public TripletMiner {
 public:
  const DrawingMiner* as_drawing() const final { return this; }
  /// The scores [r, c]: the lowest wins, +inf is never chosen. They depend only on each pair's distance and
  /// keys.
  virtual at::Tensor score(const Candidates& tile) const = 0;
};

/// All miners, in the order in which help lists them.
std::span<const TableRow<Miner>> miner_table();

}  // namespace lodestone::miners
