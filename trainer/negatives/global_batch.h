#pragma once

#include <optional>

#include "trainer/miners/miner.h"
#include "trainer/negatives/dense_pairs.h"
#include "trainer/negatives/pair_health.h"

namespace lodestone {

/// A loss over the global batch with its miner.
struct Objective {
  const Loss& loss;
  const Miner& miner;
  bool normalize = true;  ///< the loss sees rows of unit length

  /// Throws ConfigError if the loss does not go with the miner, or with the explicit pairs or triplets of the data.
  void check(bool explicit_tuples, bool explicit_pairs) const;
};

/// What one step learns from its batch.
struct StepLoss {
  double loss = 0;         ///< over the global batch, the same on every rank
  at::Tensor gradient_bD;  ///< dL/dz of this rank's rows: start the encoder's backward pass here
  Tuples tuples;           ///< of this rank's anchors, if any were mined or given
  double active = 0;       ///< pairs, triplets or anchors with a loss above zero, over the global batch
  double valid = 0;        ///< pairs, triplets or anchors in all
  PairHealth health;
  double gather_seconds = 0;  ///< of the call: exchanging embeddings and labels
};

/// The heart: loss and exact gradient over the global batch.
/// Promise   for every loss and miner, and for every way of sharing the same global batch out over ranks (uneven and empty
///           shares included), loss and gradients equal the single-process autograd result, and mining picks the same tuples.
/// Math      rows are gathered once, outside autograd, in rank order; then dense_pairs.h (miner `all`) or mined_tuples.h;
///           then the chain rule of the normalisation.
/// Ranks     collective. `explicit_tuples` holds the tuples, as global indices, whose anchors are this rank's rows.
/// Gradient  each rank gets the gradient of the GLOBAL loss in its own rows: parameter gradients are then SUMMED over ranks.
StepLoss global_batch_loss(const Group& group, const LocalRows& local, const Objective& objective,
                           const std::optional<Tuples>& explicit_tuples = {});

}  // namespace lodestone
