#pragma once

#include "trainer/miners/miner.h"
#include "trainer/negatives/solvers/pair_solver.h"
#include "trainer/negatives/tiles/anchor_walk.h"

namespace lodestone {

/// What random choices are keyed by, besides sample ids.
struct Draw {
  uint64_t seed = 0;
  int64_t step = 0;
};

/// The keys of random choices, int64 [n], from refs' sample ids by number: of a ref, and of a row of the batch as an anchor,
/// which differs from step to step.
struct MiningKeys {
  at::Tensor anchor_n, ref_n;
  /// For anchors from `anchor` on, each with a positive: what its choice of a negative depends on.
  at::Tensor of(int64_t anchor, const at::Tensor& positive_r) const;
};
MiningKeys mining_keys(const at::Tensor& anchor_id_n, const at::Tensor& ref_id_n, const Draw& draw);

/// The tuples whose anchors are this rank's rows; positives and negatives are numbered refs. By anchor, then by slot.
/// Ranks     in a ring, and with shards, collective: then the rows' slots are all-gathered, and 2 all-reduces of 8 bytes per row
///           and slot find the best. The union over ranks is what one process would mine.
/// Cost      a product of 2·b·n·D flops (half on one rank) and one pass over the tiles per slot; memory n·slots
Tuples mine(AnchorWalk& walk, const TripletMiner& miner, Measure measure, const Draw& draw);

/// The loss over tuples (mined, or explicit from the data), given those of this rank's anchors.
/// Math      each rank measures its tuples from their rows and differentiates its part of the sum; tuples and coefficients
///           are all-gathered and each rank applies those that touch its rows. A pair loss sees a tuple as the pairs (anchor,
///           positive) and (anchor, negative), as often as they occur.
/// Ranks     collective over `world`; the walk's rows were gathered over its scope.
/// Cost      all-gathers of 3 integers and 2 floats per tuple, an all-reduce of a few numbers; with shards or swap an all-reduce
///           of the values, with shards a reduce-scatter of n·D; in a ring two rounds
LossOutcome solve_tuples(const Group& world, AnchorWalk& walk, const Loss& loss, const Tuples& tuples);

}  // namespace lodestone
