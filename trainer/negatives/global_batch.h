#pragma once

#include <optional>

#include "trainer/negatives/pair_health.h"
#include "trainer/negatives/solvers/mined_tuples.h"

namespace lodestone::negatives {

/// A loss over the global batch with its miner.
struct Objective {
  const losses::Loss& loss;
  const miners::Miner& miner;
  bool normalize = true;  ///< rows are normalised to unit length before the loss
  Exchange exchange = {};

  /// The other inputs that the loss is used with.
  struct Setting {
    bool explicit_tuples = false, explicit_pairs = false;
    bool memory = false, momentum_keys = false;
    bool whole_world = true;  ///< mining_scope is global
    /// the losses and miners that can be chosen, for messages
    std::span<const TableRow<losses::Loss>> losses = losses::loss_table();
    std::span<const TableRow<miners::Miner>> miners = miners::miner_table();
  };
  /// Throws ConfigError if the loss cannot be combined with the miner or the setting.
  void check(const Setting& setting) const;
};

/// Optional inputs of a step: explicit tuples, second tower, memory or proxies.
struct StepInput {
  /// explicit tuples, as global indices; their anchors are rows of this rank
  std::optional<miners::Tuples> tuples = {};
  /// rows of the second tower, or momentum keys, in the order of the first tower's rows
  std::optional<LocalRows> second = {};
  bool second_learns = true;  ///< false: the second tower's rows are keys, used as references only
  /// this rank's shard of the memory or of the proxies, with rows ready for the loss
  std::optional<RowSet> shard = {};
  std::optional<distributed::Group> scope = {};  ///< the ranks whose rows are compared; empty: all
  Draw draw = {};
  bool want_health = false;
};

/// The result of the loss for one step.
struct StepLoss {
  double loss = 0;                ///< over the global batch; the same on every rank
  at::Tensor gradient_bD;         ///< dL/dz of this rank's rows, where the encoder's backward pass starts
  at::Tensor second_gradient_bD;  ///< dL/dz of the second tower's rows, if second_learns
  at::Tensor shard_gradient_nD;   ///< dL/du of this rank's proxies
  std::vector<double> parameter_gradients;  ///< gradients of loss.parameters(); the same on every rank
  /// the rows to add to a memory, as the loss saw them: the keys if there are any, else the batch
  RowSet remembered;
  miners::Tuples tuples;   ///< tuples of this rank's anchors, if any were mined or given
  double active = 0;       ///< pairs, triplets or anchors with a loss above zero, over the global batch
  double valid = 0;        ///< all pairs, triplets or anchors
  double same_sample = 0;  ///< pairs that are no negatives only because they show the same sample
  PairHealth health;
  double gather_seconds = 0;  ///< seconds that this call spent on exchanging embeddings and labels
};

/// The loss over the global batch and its exact gradient by this rank's rows. For every loss and miner, and
/// for every way of dividing the same global batch among ranks (uneven and empty shares included), loss and
/// gradients equal the single-process autograd result, and mining selects the same tuples.
///
///     Slot<losses::Loss> loss(losses::loss_table(), "infonce");
///     Slot<miners::Miner> miner(miners::miner_table(), "all");
///     const at::Tensor z_bD = at::randn({6, 8});  // this rank's embeddings: b = 6, D = 8
///     const at::Tensor label_b = at::tensor({0, 0, 1, 1, 2, 2}, at::kLong), id_b = at::arange(6);
///     const LocalRows rows{z_bD, label_b, label_b, id_b};
///     const StepLoss step = global_batch_loss(distributed::single_group(), rows, {*loss, *miner});
///     // step.loss: a double, the same on every rank; step.gradient_bD: [6, 8], where backward continues
///
/// Math      rows are gathered once, outside autograd, in rank order; then pair_solver.h, all_triplets.h or
///           mined_tuples.h computes the loss; then the chain rule of the normalisation applies
/// Shapes    local.z_bD float32 or float64; b may be 0; gradient_bD as z_bD
/// Ranks     collective over `world`
/// Gradient  each rank gets the gradient of the GLOBAL loss by its own rows; parameter gradients are then
///           SUMMED over ranks
/// Cost      3 products of 2·b·B·D flops (2 if all rows are on one rank); one all-gather of b·D floats and a
///           few numbers per row; memory O(b·D + B·D + tile), never B²
/// Throws    CommError if a peer is lost
StepLoss global_batch_loss(const distributed::Group& world, const LocalRows& local,
                           const Objective& objective, const StepInput& input = {});

}  // namespace lodestone::negatives
