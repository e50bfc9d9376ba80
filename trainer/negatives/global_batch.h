#pragma once

#include <optional>

#include "trainer/negatives/pair_health.h"
#include "trainer/negatives/solvers/mined_tuples.h"

namespace lodestone {

/// A loss over the global batch with its miner.
struct Objective {
  const Loss& loss;
  const Miner& miner;
  bool normalize = true;  ///< the loss sees rows of unit length
  Exchange exchange = {};

  /// What else the loss is to work with.
  struct Setting {
    bool explicit_tuples = false, explicit_pairs = false;
    bool memory = false, momentum_keys = false;
    bool whole_world = true;  ///< mining_scope is global
  };
  /// Throws ConfigError if the loss does not go with the miner or the setting.
  void check(const Setting& setting) const;
};

/// What a step has besides its rows.
struct StepInput {
  std::optional<Tuples> tuples =
      {};  ///< explicit ones, as global indices, whose anchors are this rank's rows
  const LocalRows* second =
      nullptr;                ///< the other tower's rows, or momentum keys, in the order of the first's
  bool second_learns = true;  ///< false: the second tower's rows are keys, refs only
  const RowSet* shard =
      nullptr;  ///< this rank's part of the memory or of the proxies; its rows ready for the loss
  const Group* scope = nullptr;  ///< whose rows meet; null: all ranks'
  Draw draw = {};
  bool want_health = false;
};

/// What one step learns from its batch.
struct StepLoss {
  double loss = 0;                ///< over the global batch, the same on every rank
  at::Tensor gradient_bD;         ///< dL/dz of this rank's rows: start the encoder's backward pass here
  at::Tensor second_gradient_bD;  ///< dL/dz of the second tower's, if it learns
  at::Tensor shard_gradient_nD;   ///< dL/du of this rank's proxies
  std::vector<double> parameter_gradients;  ///< of loss.parameters(), the same on every rank
  RowSet
      remembered;  ///< the rows that a memory keeps: the keys if there are any, else the batch, as the loss saw them
  Tuples tuples;           ///< of this rank's anchors, if any were mined or given
  double active = 0;       ///< pairs, triplets or anchors with a loss above zero, over the global batch
  double valid = 0;        ///< pairs, triplets or anchors in all
  double same_sample = 0;  ///< pairs kept from the negatives only because they show the same sample
  PairHealth health;
  double gather_seconds = 0;  ///< of the call: exchanging embeddings and labels
};

/// The heart: loss and exact gradient over the global batch.
/// Promise   for every loss and miner, and for every way of sharing the same global batch out over ranks (uneven and empty
///           shares included), loss and gradients equal the single-process autograd result, and mining picks the same tuples.
/// Math      rows are gathered once, outside autograd, in rank order; then pair_solver.h, all_triplets.h or mined_tuples.h;
///           then the chain rule of the normalisation.
/// Ranks     collective.
/// Gradient  each rank gets the gradient of the GLOBAL loss in its own rows: parameter gradients are then SUMMED over ranks.
StepLoss global_batch_loss(const Group& world, const LocalRows& local, const Objective& objective,
                           const StepInput& input = {});

}  // namespace lodestone
