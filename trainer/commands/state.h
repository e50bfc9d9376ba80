#pragma once

#include <string>

#include "distributed/group.h"
#include "sampler/sampler_learner.h"
#include "trainer/coordinator/checkpoint.h"
#include "trainer/engine/trainer.h"

namespace lodestone {

/// A copy of all that a run's future depends on: weights, running statistics, moments, memory, proxies, step, place in the
/// data, and what the sampler has learned (`learner`; null if it learns nothing). Collective; the copy is rank 0's, other ranks get an empty one.
Snapshot take_snapshot(const Group& world, const Trainer& trainer, Cursor cursor, const SamplerLearner* learner);

/// Puts a snapshot back and returns the place in the data. Throws CheckpointError if a tensor is missing, has another
/// shape, or is not known: the message says which, and that the configuration must be the run's.
Cursor restore_snapshot(const Snapshot& snapshot, Trainer& trainer, SamplerLearner* learner);

/// Copies only the weights and running statistics, for evaluation: the averaged ones if the run kept an average.
void restore_model(const Snapshot& snapshot, Encoder& encoder);

/// Rank 0's checkpoint on every rank, so that ranks on other hosts need not see its file system. `found` is rank 0's, and
/// unset where there is none. Collective.
std::optional<Checkpoint> share_checkpoint(const Group& world, std::optional<Checkpoint> found);

}  // namespace lodestone
