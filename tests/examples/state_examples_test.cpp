// Examples of what a checkpoint holds: state visitors, checkpoints and the coordinator.
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/state_handles.h"
#include "common/yaml.h"
#include "examples/work_folder.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/coordinator.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

TEST(Example, StateVisitor) {
  // Example of common/state.h
  struct Average {
    at::Tensor weight;
    int64_t updates = 0;
    void visit_state(StateVisitor& v) {
      v.replicated("ema", "weight", weight);
      v.number("ema", "updates", updates);
    }
  };
  // End
  Average average{at::ones({2})};
  EXPECT_TRUE(state_handles(average).at("ema").at("weight").is_same(average.weight));
}

TEST(Example, Checkpoint) {
  const WorkFolder work;
  // Example of trainer/coordinator/checkpoints/checkpoint.h
  Snapshot snapshot;
  snapshot.tensors["model"]["weight"] = at::ones({2, 3});
  snapshot.state = {{"step", 100}};
  save_checkpoint("runs/demo/checkpoints", snapshot, {.step = 100, .config_yaml = "seed: 1\n"});
  const Checkpoint loaded = load_checkpoint("runs/demo");
  const at::Tensor weight = loaded.snapshot.tensors.at("model").at("weight");
  // End
  EXPECT_TRUE(weight.equal(at::ones({2, 3})));
}

TEST(Example, CoordinatorAndStateHandles) {
  const WorkFolder work;
  draw_photos();
  run::RunConfig config{run::Tables()};
  const std::string yaml =
      "{global_batch: 16, data: {train: {path: photos}, image: {width: 28, height: 28}}, schedule: {steps: "
      "2, warmup_steps: 0}}";
  read_run_config(parse_yaml(yaml, "run.yaml"), {}, "run", config);
  const run::TrainingData data = run::open_training_data(config, 1);
  config.encoder->build({1, 28, 28}, 7);
  encoders::Encoder& encoder = *config.encoder;
  const negatives::Objective objective = config.objective();
  engine::Trainer trainer(distributed::single_group(), at::kCPU, encoder, objective, config.training);
  const RunFacts facts = run::run_facts(config, data);
  const auto examples = data.examples;
  sampler::Loader loader(examples, data.sampler, {0, 1}, {}, 1);
  RunContext context{distributed::LaunchOptions{}};
  const bool stop_requested = false;
  // Example of trainer/coordinator/coordinator.h
  Coordinator coordinator({config.checkpoint, config.metrics, config.report}, context, "runs/faces");
  const auto cursor = coordinator.resume({}, facts, encoder.code(), trainer);
  coordinator.start({.config = yaml, .examples = examples, .objective = objective}, trainer);
  while (!trainer.finished()) {
    const sampler::Batch batch = loader.next();
    const engine::StepMetrics metrics = trainer.step(batch, 0);
    coordinator.report(metrics, batch, trainer.embeddings());
    const auto agreed = coordinator.agree(stop_requested, false, metrics.step);
    if (agreed.save || agreed.stop) coordinator.save(trainer, loader.cursor());
    if (agreed.stop) break;
  }
  const bool durable = coordinator.wait_for_save(trainer.steps_done());
  if (durable) coordinator.mark_completed();
  // End
  EXPECT_FALSE(cursor.has_value());
  EXPECT_FALSE(durable) << "a checkpoint is saved every 500 steps";
  coordinator.save(trainer, loader.cursor());
  EXPECT_TRUE(coordinator.wait_for_save(2));
  // Example of common/state_handles.h
  StateHandles handles;
  trainer.visit_state(handles);                         // of engine::Trainer
  const TensorMap& model = handles.groups.at("model");  // its weights, by name
  // End
  EXPECT_FALSE(model.empty());
}

}  // namespace
}  // namespace lodestone::testing
