#pragma once

#include <functional>
#include <ostream>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "image_batch.h"
#include "support/objectives.h"
#include "support/ranks.h"
#include "trainer/engine/trainer.h"

namespace lodestone::testing {

constexpr int64_t kRows = 12, kClasses = 7;

inline Batch batch_of(int64_t step, Shard shard, int64_t rows = kRows) {
  Batch batch = image_batch(random_batch(rows, 256, 300 + static_cast<uint64_t>(step)), step, shard);
  for (auto& id : batch.ids) id += 5 * step;  // some samples come again
  return batch;
}

/// What a run leaves.
struct Outcome {
  std::vector<double> losses;
  std::map<std::string, std::map<std::string, at::Tensor>> tensors;
};

using Saved = std::map<std::string, std::map<std::string, at::Tensor>>;

/// What ranks other than 0 get of a checkpoint: of sharded tensors their shapes alone.
inline Saved with_stand_ins(Saved saved) {
  for (auto& [group, tensors] : saved)
    for (auto& [name, tensor] : tensors)
      if (LossSide::sharded(group)) tensor = at::zeros({}, tensor.options()).expand(tensor.sizes());
  return saved;
}

/// Steps [first, last) on `world` ranks, going on from `saved` if given.
inline Outcome train(int world, const Case& c, const TrainerConfig& config, int first, int last,
                     const Outcome* saved = nullptr, at::ScalarType type = at::kDouble,
                     int64_t rows = kRows) {
  Outcome outcome;
  run_ranks(world, [&](const Group& group) {
    const MadeCase made(c);
    Slot<Encoder> encoder(encoder_table(), "conv4"), slow(encoder_table(), "conv4");
    for (auto* e : {&encoder, &slow}) {
      (*e)->build({1, 16, 16}, 5);
      (*e)->parameters().convert(type, at::kCPU);
    }
    std::vector<int64_t> group_c;
    for (int64_t k = 0; k < kClasses; ++k) group_c.push_back(k == 1 ? 0 : k);
    Trainer trainer(group, at::kCPU, *encoder, made.objective(), config,
                    {group_c, encoder->output_dim(), type, 9, &*slow});
    if (saved) {
      at::NoGradGuard no_grad;
      for (const auto& [name, tensors] : trainer.tensors())
        for (const auto& [key, tensor] : tensors) at::Tensor(tensor).copy_(saved->tensors.at(name).at(key));
      trainer.loss_side().restore(group, group.rank() == 0 ? saved->tensors : with_stand_ins(saved->tensors));
      trainer.set_steps_done(first);
    }
    std::vector<double> losses;
    for (int step = first; step < last; ++step) {
      Batch batch = batch_of(step, config.determinism.shard(group), rows);
      batch.features = batch.features.to(type);
      losses.push_back(trainer.step(batch, 0).loss);
    }
    Saved all = trainer.loss_side().gathered();
    if (group.rank() != 0) return;
    for (const auto& [name, tensors] : trainer.tensors())
      for (const auto& [key, tensor] : tensors) all[name][key] = tensor.clone();
    outcome = {losses, all};
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
  config.batch_norm = "sync";
  // Adam divides by gradients that are zero but for rounding; plain steps keep worlds comparable.
  config.optimizer.name = "sgd";
  config.optimizer.learning_rate = 0.01;
  setting.change(config);
  return config;
}

inline const auto kMemory = [](const char* kind) {
  return [kind](TrainerConfig& config) {
    config.loss_side.memory.kind = kind;
    config.loss_side.memory.size = 29;
    config.loss_side.memory.momentum = 0.9;
    config.loss_side.memory.start_step = 1;
  };
};

}  // namespace lodestone::testing
