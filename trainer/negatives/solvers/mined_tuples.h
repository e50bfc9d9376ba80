#pragma once

#include "trainer/miners/miner.h"
#include "trainer/negatives/solvers/pair_solver.h"
#include "trainer/negatives/tiles/anchor_walk.h"

namespace lodestone::negatives {

/// The key of random choices, together with sample ids.
struct Draw {
  uint64_t seed = 0;
  int64_t step = 0;
};

/// The keys of random choices, int64 [n], made from the references' sample ids: of each reference, and of
/// each row of the batch as an anchor, which differs from step to step.
struct MiningKeys {
  at::Tensor anchor_n, reference_n;
  /// The keys of anchors from `anchor` on, each with a positive: its choice of a negative depends on them.
  at::Tensor of(int64_t anchor, const at::Tensor& positive_r) const;
};
MiningKeys mining_keys(const at::Tensor& anchor_id_n, const at::Tensor& reference_id_n, const Draw& draw);

/// Mines the tuples whose anchors are this rank's rows, ordered by anchor, then by slot; positives and
/// negatives are numbered references. The union over ranks is what one process would mine.
/// Ranks     collective in a ring and with shards: the rows' slots are all-gathered, and 2 all-reduces of 8
///           bytes per row and slot find the best
/// Cost      a product of 2·b·n·D flops (half on one rank) and one pass over the tiles per slot; memory
///           n·slots
miners::Tuples mine(AnchorWalk& walk, const miners::TripletMiner& miner, losses::Measure measure,
                    const Draw& draw);

/// The loss over tuples (mined, or explicit ones of the data). Each rank passes those of its own anchors.
/// Math      each rank computes the values of its tuples from their rows and differentiates its part of the
///           sum; tuples and coefficients are all-gathered, and each rank applies those that contain its
///           rows. A pair loss treats a tuple as the pairs (anchor, positive) and (anchor, negative), as
///           often as they occur.
/// Ranks     collective over `world`; the walk's rows were gathered over its scope
/// Cost      all-gathers of 3 integers and 2 floats per tuple, an all-reduce of a few numbers; with shards or
///           swap an all-reduce of the values, with shards a reduce-scatter of n·D; in a ring two rounds
LossOutcome solve_tuples(const distributed::Group& world, AnchorWalk& walk, const losses::Loss& loss,
                         const miners::Tuples& tuples);

}  // namespace lodestone::negatives
