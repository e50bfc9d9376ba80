#pragma once

#include <functional>
#include <ostream>

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "image_batch.h"
#include "support/objectives.h"
#include "support/ranks.h"
#include "trainer/coordinator/checkpoints/state_visitors.h"
#include "trainer/engine/trainer.h"

namespace lodestone::testing {
using namespace coordinator;
using namespace distributed;
using namespace encoders;
using namespace engine;
using namespace sampler;

constexpr int64_t kRows = 12, kClasses = 7;

inline Batch batch_of(int64_t step, Shard shard, int64_t rows = kRows) {
  Batch batch = image_batch(random_batch(rows, 256, 300 + static_cast<uint64_t>(step)), step, shard);
  for (auto& id : batch.ids) id += 5 * step;  // some samples come again
  return batch;
}

/// What a run leaves.
struct Outcome {
  std::vector<double> losses;
  Snapshot snapshot;
};

/// What ranks other than 0 get of a checkpoint: of sharded tensors their shapes alone.
inline Snapshot with_stand_ins(Snapshot saved, Trainer& trainer) {
  StateGroups groups;
  trainer.visit_state(groups);
  for (auto& [group, tensors] : saved.tensors)
    for (auto& [name, tensor] : tensors)
      if (groups.sharded_over_ranks.contains(group))
        tensor = at::zeros({}, tensor.options()).expand(tensor.sizes());
  return saved;
}

inline void restore(const Group& group, const Snapshot& whole, Trainer& trainer) {
  const Snapshot saved = group.rank() == 0 ? whole : with_stand_ins(whole, trainer);
  CheckState checking(saved);
  trainer.visit_state(checking);
  checking.finish();
  RestoreState restoring(group, saved);
  trainer.visit_state(restoring);
}

/// A copy, whole on rank 0.
inline Snapshot snapshot_of(const Group& group, Trainer& trainer) {
  Snapshot snapshot;
  SaveState saving(group, snapshot);
  trainer.visit_state(saving);
  if (group.rank() != 0) return {};
  for (auto& [name, tensors] : snapshot.tensors)
    for (auto& [key, tensor] : tensors) tensor = tensor.clone();
  return snapshot;
}

/// Steps [first, last) on `world` ranks, continuing from `saved` if given.
inline Outcome train(int world, const Case& c, const TrainerConfig& config, int first, int last,
                     const Outcome* saved = nullptr, at::ScalarType type = at::kDouble,
                     int64_t rows = kRows) {
  Outcome outcome;
  run_ranks(world, [&](const Group& group) {
    const MadeCase made(c);
    Slot<Encoder> encoder(encoder_table(), "conv4"), momentum_encoder(encoder_table(), "conv4");
    for (auto* e : {&encoder, &momentum_encoder}) {
      (*e)->build({1, 16, 16}, 5);
      (*e)->parameters().convert(type, at::kCPU);
    }
    std::vector<int64_t> group_c;
    for (int64_t k = 0; k < kClasses; ++k) group_c.push_back(k == 1 ? 0 : k);
    Trainer trainer(group, at::kCPU, *encoder, made.objective(), config,
                    {group_c, encoder->output_dim(), type, 9, &*momentum_encoder});
    if (saved) restore(group, saved->snapshot, trainer);
    EXPECT_EQ(trainer.steps_done(), first);
    std::vector<double> losses;
    for (int step = first; step < last; ++step) {
      Batch batch = batch_of(step, config.determinism.shard(group), rows);
      batch.features = batch.features.to(type);
      losses.push_back(trainer.step(batch, 0).loss);
    }
    const Snapshot left = snapshot_of(group, trainer);
    if (group.rank() == 0) outcome = {losses, left};
  });
  return outcome;
}

/// An objective and what of the configuration is its own.
struct Setting {
  const char* name;
  Case objective;
  std::function<void(TrainerConfig&)> change = [](TrainerConfig&) {};
};

inline std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << setting.name;
}

inline TrainerConfig config_for(const Setting& setting) {
  TrainerConfig config;
  config.schedule.steps = 8;
  config.schedule.warmup_steps = 2;
  config.batch_norm = BatchNormMode::kSync;
  // Adam divides by gradients that are zero but for rounding; plain steps keep worlds comparable.
  config.optimizer.name = "sgd";
  config.optimizer.learning_rate = 0.01;
  setting.change(config);
  return config;
}

inline const auto kMemory = [](MemoryKind kind) {
  return [kind](TrainerConfig& config) {
    config.loss_head.memory.kind = kind;
    config.loss_head.memory.size = 29;
    config.loss_head.memory.momentum = 0.9;
    config.loss_head.memory.start_step = 1;
  };
};

}  // namespace lodestone::testing
