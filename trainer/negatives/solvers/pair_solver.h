#pragma once

#include "trainer/miners/miner.h"
#include "trainer/negatives/solvers/negative_sums.h"
#include "trainer/negatives/solvers/positive_pairs.h"
#include "trainer/negatives/tiles/relation.h"

namespace lodestone::negatives {

/// The result of a loss over the global batch on this rank.
struct LossOutcome {
  double loss = 0;         ///< the global loss; the same on every rank
  double active = 0;       ///< items with a loss above zero, over the global batch
  double valid = 0;        ///< number of all items
  double same_sample = 0;  ///< pairs that are no negatives only because they show the same sample
  std::vector<at::Tensor> gradients_nD;  ///< dL/du of each member's own rows; undefined if it does not learn
  losses::Affine affine;  ///< dL/d(scale, bias), the same on every rank; 0 if the loss has no learned numbers
};

/// Computes a pair loss over members and relations. The result equals that of one process with all rows,
/// however they are divided among ranks.
/// Math      pass 1 adds tiles to the sums over negatives; positives are added from their list; dL/d(sums) of
///           own anchors comes from autograd and is exchanged; pass 2 forms each tile again and adds (w_ij +
///           w_ji) dvalue/du_i, which is the exact gradient of the rows: the value is symmetric, so only the
///           results of other ranks' shards have to be sent back
/// Ranks     collective over `world`; members' rows were gathered over `scope` (the world, the ranks of a
///           host, or one rank)
/// Cost      per relation 3 products of 2·b·n·D flops (2 if a set is compared with itself on one rank);
///           all-gathers and all-reduces of a few numbers per row; with shards a reduce-scatter of n·D;
///           memory b·D + tiles
LossOutcome solve_pairs(const distributed::Group& world, const distributed::Group& scope,
                        const losses::PairLoss& loss, const miners::PairMiner* miner,
                        const std::vector<Member>& members, const std::vector<Relation>& relations);

/// Sums the terms' sums and counts over ranks, in float64, and sets loss, active and valid. Returns 1/count
/// of each part (0 if its count is 0).
std::vector<double> reduce_terms(const distributed::Group& group, const losses::Terms& terms,
                                 LossOutcome& outcome);

}  // namespace lodestone::negatives
