#pragma once

#include "trainer/negatives/solvers/pair_solver.h"
#include "trainer/negatives/tiles/anchor_walk.h"

namespace lodestone::negatives {

/// A triplet loss over every triplet of an anchor, one of its positives and one of its negatives.
/// Math      the P positives of an anchor are P thresholds; each tile of negatives is compared with all of
///           them. The sum of slopes per (anchor, positive) is the weight of the positive's gradient; the
///           gradient of a negative comes from the thresholds that it falls below, seen from both ends of the
///           pair.
/// Ranks     collective, as solve_pairs
/// Cost      3 products of 2·b·n·D flops (2 on one rank) and P comparisons per pair and pass; all-gathers of
///           n·P positives and of n·P numbers; with shards an all-reduce of n·P numbers and a reduce-scatter
///           of n·D
LossOutcome solve_all_triplets(const distributed::Group& world, AnchorWalk& walk,
                               const losses::TripletLossBase& loss);

}  // namespace lodestone::negatives
