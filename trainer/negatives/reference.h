#pragma once

#include "trainer/miners/miner.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone {

/// The single-process result that the promise speaks of: plain autograd on the whole batch.
struct ReferenceLoss {
  double loss = 0;
  at::Tensor gradient_BD;  ///< dL/dz
  Tuples tuples;           ///< mined or given
};

/// Loss, gradient and tuples of the whole batch on one process, from the whole pair matrix and by autograd alone: none of
/// the tiles, row states or exchanges of global_batch_loss.
/// Shapes    rows holds all B rows. Cost: memory of B² (a loss over all triplets: B² for each anchor's graph, B³ in all)
ReferenceLoss reference_loss(const LocalRows& rows, const Objective& objective,
                             const std::optional<Tuples>& explicit_tuples = {});

}  // namespace lodestone
