#pragma once

#include "trainer/miners/miner.h"
#include "trainer/negatives/pair_solver.h"

namespace lodestone {

/// What random choices are keyed by, besides sample ids.
struct Draw {
  uint64_t seed = 0;
  int64_t step = 0;
};

/// The keys of random choices, int64 [n], from samples' ids: of a row as a ref, and as an anchor, which differs from step to
/// step.
struct MiningKeys {
  at::Tensor anchor_n, ref_n;
  /// For anchors from `anchor` on, each with a positive: what its choice of a negative depends on.
  at::Tensor of(int64_t anchor, const at::Tensor& positive_r) const;
};
MiningKeys mining_keys(const at::Tensor& id_n, const Draw& draw);

/// The tuples whose anchors are this rank's rows, mined against the set in tiles of (own rows × all rows).
/// Ranks     no communication. The union over ranks is what one process would mine.
/// Cost      one product of 2·b·n·D flops and one score per pair and slot; memory b·slots
Tuples mine(const RowSet& set, const TripletMiner& miner, Measure measure, const Draw& draw);

/// The loss over tuples (mined, or explicit from the data), given those of this rank's anchors.
/// Math      each rank measures its tuples from their rows and differentiates its part of the sum; tuples and coefficients
///           are all-gathered and each rank applies those that touch its rows. A pair loss sees a tuple as the pairs (anchor,
///           positive) and (anchor, negative), as often as they occur.
/// Ranks     collective; tuples index the set, which was gathered over `scope`.
/// Cost      1 all-reduce of a few numbers; all-gathers of 3 integers and 3 floats per tuple
LossOutcome solve_tuples(const Group& world, const Group& scope, const RowSet& set, const Loss& loss,
                         const Tuples& tuples);

}  // namespace lodestone
