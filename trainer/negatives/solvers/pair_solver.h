#pragma once

#include "trainer/miners/miner.h"
#include "trainer/negatives/solvers/negative_sums.h"
#include "trainer/negatives/solvers/positive_pairs.h"
#include "trainer/negatives/tiles/relation.h"

namespace lodestone {

/// What a loss over the global batch comes to on this rank.
struct LossOutcome {
  double loss = 0;         ///< the global loss, the same on every rank
  double active = 0;       ///< items with a loss above zero, over the global batch
  double valid = 0;        ///< items in all
  double same_sample = 0;  ///< pairs kept from the negatives only because they show the same sample
  std::vector<at::Tensor>
      gradients_nD;  ///< dL/du of each member's own rows; undefined where it doesn't learn
  Affine affine;     ///< dL/d(scale, bias), the same on every rank; 0 if the loss learns nothing
};

/// A pair loss over members and relations.
/// Math      pass 1 folds tiles into sums over negatives; positives are folded from their list; dL/d(sums) of own anchors comes
///           from autograd and is exchanged; pass 2 forms each tile again and adds (w_ij + w_ji) dvalue/du_i, which is the
///           rows' exact gradient: as the value is symmetric nothing has to be sent back but what other ranks' shards found.
/// Ranks     collective over `world`; members' rows were gathered over `scope` (the world, or the ranks of a host, or one).
///           The result equals one process with all rows, however they are shared out.
/// Cost      per relation 3 products of 2·b·n·D flops (2 where a set meets itself on one rank); all-gathers and all-reduces of
///           a few numbers per row; with shards a reduce-scatter of n·D; memory b·D + tiles
LossOutcome solve_pairs(const Group& world, const Group& scope, const PairLoss& loss, const PairMiner* miner,
                        const std::vector<Member>& members, const std::vector<Relation>& relations);

/// Adds the terms' sums and counts over ranks, in float64. Returns 1/count of each part (0 for none) and fills loss, active and
/// valid.
std::vector<double> reduce_terms(const Group& group, const Terms& terms, LossOutcome& outcome);

}  // namespace lodestone
