#pragma once

#include <string>
#include <vector>

#include "distributed/group.h"
#include "sampler/samplers/place.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/run_identity.h"
#include "trainer/engine/trainer.h"

namespace lodestone::coordinator {

/// The complete state of a run: weights, running statistics, optimizer moments, memory, proxies, step,
/// position in the data, counters, sampler state, and the identity of the data.
/// Ranks     collective; rank 0 gets the snapshot, other ranks an empty one. Sharded rows (memory, proxies)
///           are gathered, so that only rank 0 needs a disk, and a run can continue on any number of ranks.
/// Cost      one gather_rows of memory and proxies, which are complete only in rank 0's host memory
/// Owns      tensors that are not gathered are the trainer's own: copy them before the next step
Snapshot take_snapshot(const distributed::Group& world, engine::Trainer& trainer, sampler::Cursor cursor,
                       const RunIdentity& identity);

/// What a restored checkpoint says besides the state.
struct Restored {
  sampler::FoundPlace place;
  /// Groups of the snapshot that the configured run does not use (a memory, an average, a scaler …).
  std::vector<std::string> unused;
};

/// Restores a checkpoint that was aligned with the run (RunIdentity::align) and shared (share_checkpoint).
/// Ranks     collective
/// Throws    CheckpointError that names the tensor if one is missing, unknown or of another shape; nothing
///           has been overwritten then
Restored restore_snapshot(const distributed::Group& world, const Checkpoint& checkpoint,
                          engine::Trainer& trainer, const RunIdentity& identity);

/// The same without the position in the data and the sampler state that belongs to it.
void restore_training(const distributed::Group& world, const Checkpoint& checkpoint,
                      engine::Trainer& trainer);

/// The group of the weights that were evaluated: the averaged ones if the run kept an average.
std::string evaluated_weights(const Snapshot& snapshot);

/// Copies only the weights and running statistics that were evaluated.
/// Throws    as restore_snapshot
void restore_weights(const Snapshot& snapshot, encoders::Encoder& encoder);

/// Sends rank 0's checkpoint to every rank, so that ranks on other hosts need no access to its file system.
/// `found` is rank 0's, nullopt if there is none. Other ranks get the groups that `trainer` and `learner` (it
/// may be null) visit. Groups that are sharded over ranks (memory, proxies) stay on rank 0, and the other
/// ranks get their shapes only; restore_snapshot scatters the rows.
/// Ranks     collective
std::optional<Checkpoint> share_checkpoint(const distributed::Group& world, std::optional<Checkpoint> found,
                                           engine::Trainer& trainer, sampler::SamplerLearner* learner);

}  // namespace lodestone::coordinator
