#pragma once

#include "trainer/negatives/global_batch.h"

namespace lodestone::negatives {

/// The single-process result that global_batch_loss must equal: plain autograd on the whole batch.
struct OracleLoss {
  double loss = 0;
  at::Tensor gradient_BD;         ///< dL/dz
  at::Tensor second_gradient_BD;  ///< dL/dz of the second tower, if it learns
  at::Tensor shard_gradient_nD;   ///< dL/du of the proxies
  std::vector<double> parameter_gradients;
  miners::Tuples tuples;  ///< mined or given
};

/// Loss, gradients and tuples of the whole batch on one process, from the whole pair matrix and by autograd
/// alone. Uses none of the tiles, sums or exchanges of global_batch_loss.
/// Shapes    rows holds all B rows, and input holds the whole second tower, memory or proxies
/// Cost      memory of B² (a loss over all triplets: B² for each anchor's graph, B³ in all)
OracleLoss oracle_loss(const LocalRows& rows, const Objective& objective, const StepInput& input = {});

}  // namespace lodestone::negatives
