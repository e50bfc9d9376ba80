#pragma once

#include "trainer/negatives/pair_solver.h"

namespace lodestone {

/// A triplet loss over every triplet (anchor, positive, negative) of a set.
/// Math      an anchor's P positives are P thresholds; each tile of negatives is compared with all of them. The sums of slopes
///           per (anchor, positive) are what pulls the positives; negatives are pushed by the thresholds they fall below, seen
///           from both ends of the pair.
/// Ranks     collective; as solve_pairs.
/// Cost      3 products of 2·b·n·D flops (2 on one rank) and P comparisons per pair and pass; 2 all-gathers of n·P numbers
LossOutcome solve_all_triplets(const Group& world, const Group& scope, const TripletLossBase& loss,
                               const RowSet& set);

/// A row's place among the rows of its label, by index: int64 [n]. The p-th positive of a row is the p-th other row there.
at::Tensor places_in_class(const at::Tensor& label_n);

}  // namespace lodestone
