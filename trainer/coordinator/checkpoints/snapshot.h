#pragma once

#include <string>
#include <vector>

#include "distributed/group.h"
#include "sampler/samplers/place.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/run_identity.h"
#include "trainer/engine/trainer.h"

namespace lodestone {

/// All that a run's future depends on: weights, running statistics, moments, memory, proxies, step, place in
/// the data, counters, what the sampler has learned, and what the run knows its data by. The tensors are the
/// trainer's own where they aren't gathered: copy them before the next step.
/// Ranks     collective; the snapshot is rank 0's, other ranks get an empty one. What is sharded (memory,
///           proxies) is gathered, so that only rank 0 needs a disk and any number of ranks can go on: no
///           rank has to see another one's files.
/// Cost      one gather_rows of memory and proxies: they lie whole on rank 0's host alone
Snapshot take_snapshot(const Group& world, Trainer& trainer, Cursor cursor, const RunIdentity& identity);

/// Puts a checkpoint back that was aligned with the run (RunIdentity::align) and shared. Throws
/// CheckpointError if a tensor is missing, has another shape, or is not known, before anything is
/// overwritten: the message says which, and that the configuration must be the run's. Collective.
FoundPlace restore_snapshot(const Group& world, const Checkpoint& checkpoint, Trainer& trainer,
                            const RunIdentity& identity);

/// The same but for the place in the data and what the sampler has learned, which belongs to that.
void restore_training(const Group& world, const Checkpoint& checkpoint, Trainer& trainer);

/// What the snapshot has and the configured run doesn't use (a memory, an average, a scaler …), by file name.
std::vector<std::string> unused_groups(const Snapshot& snapshot, Trainer& trainer,
                                       const SamplerLearner* learner);

/// Copies only the weights and running statistics, for evaluation: the averaged ones if the run kept an
/// average.
/// Throws as restore_snapshot.
void restore_weights(const Snapshot& snapshot, Encoder& encoder);

/// Rank 0's checkpoint on every rank, so that ranks on other hosts need not see its file system. `found` is
/// rank 0's, and unset where there is none. Collective. Memory and proxies stay on rank 0: restore_snapshot
/// hands out each rank's rows, and the other ranks' snapshots have only their shapes.
std::optional<Checkpoint> share_checkpoint(const Group& world, std::optional<Checkpoint> found);

}  // namespace lodestone
