// Whole steps: the same global batches give the same curve and weights on any number of ranks.
#include "trainer/engine/trainer.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "common/state_handles.h"
#include "image_batch.h"
#include "support/objectives.h"
#include "support/ranks.h"
#include "trainer/coordinator/checkpoints/state_visitors.h"

namespace lodestone::testing {
using namespace coordinator;
using namespace distributed;
using namespace encoders;
using namespace engine;
using namespace sampler;
namespace {

constexpr int64_t kRows = 12;

Batch batch_of(int64_t step, Shard shard) {
  Batch batch = image_batch(random_batch(kRows, 256, 100 + static_cast<uint64_t>(step)), step, shard);
  batch.features = batch.features.to(at::kFloat);
  return batch;
}

struct Curve {
  std::vector<double> losses;
  std::map<std::string, at::Tensor> weights;
};

TrainerConfig config_of(int64_t steps) {
  TrainerConfig config;
  config.schedule.steps = steps;
  config.schedule.warmup_steps = 2;
  config.batch_norm = BatchNormMode::kSync;
  return config;
}

Curve train(int world, const Case& objective_case, const char* encoder_name, int steps, at::ScalarType dtype,
            Precision precision = Precision::kFloat32) {
  Curve curve;
  TrainerConfig config = config_of(steps);
  config.precision = precision;
  run_ranks(world, [&](const Group& group) {
    const MadeCase made(objective_case);
    Slot<Encoder> encoder(encoder_table(), encoder_name);
    encoder->build({1, 16, 16}, 5);
    encoder->parameters().convert(dtype, at::kCPU);
    Trainer trainer(group, at::kCPU, *encoder, made.objective(), config);
    std::vector<double> losses;
    for (int step = 0; step < steps; ++step) {
      Batch batch = batch_of(step, {group.rank(), group.size()});
      batch.features = batch.features.to(dtype);
      losses.push_back(trainer.step(batch, 0).loss);
    }
    EXPECT_TRUE(trainer.finished());
    if (group.rank() == group.size() - 1) curve = {losses, state_handles(trainer).at("model")};
  });
  return curve;
}

class Worlds : public ::testing::TestWithParam<std::tuple<Case, const char*>> {};

TEST_P(Worlds, GiveTheSameCurveAndWeights) {
  const auto& [c, encoder] = GetParam();
  const Curve one = train(1, c, encoder, 6, at::kDouble);
  for (const int world : {2, 3, 16}) {
    const Curve many = train(world, c, encoder, 6, at::kDouble);
    for (size_t i = 0; i < one.losses.size(); ++i)
      EXPECT_NEAR(many.losses[i], one.losses[i], 1e-8 * one.losses[i]) << "step " << i << " world " << world;
    for (const auto& [name, value] : one.weights)
      EXPECT_LE(max_relative_error(many.weights.at(name), value), 1e-6) << name << " world " << world;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Worlds,
                         ::testing::Combine(::testing::Values(Case{"triplet", "margin: 0.5", "batch_hard"},
                                                              Case{"contrastive", "", "all"},
                                                              Case{"supcon", "", "all"}),
                                            ::testing::Values("conv4", "mlp")));

TEST(Trainer, FollowsTheSameCurveInBfloat16OnAnyWorld) {
  const Case c{"supcon", "", "all"};
  const Curve exact = train(1, c, "conv4", 6, at::kFloat);
  for (const int world : {1, 2, 16}) {
    const Curve rounded = train(world, c, "conv4", 6, at::kFloat, Precision::kBFloat16);
    for (size_t i = 0; i < exact.losses.size(); ++i)
      EXPECT_NEAR(rounded.losses[i], exact.losses[i], 0.03 * exact.losses[i])
          << "step " << i << " world " << world;
    EXPECT_NE(rounded.losses, exact.losses) << "it is in use";
    for (const auto& [name, value] : rounded.weights) EXPECT_EQ(value.scalar_type(), at::kFloat) << name;
  }
}

/// A trainer of its own over conv4, for one process.
struct SoleRun {
  explicit SoleRun(const TrainerConfig& config, bool frozen = false) : made(Case{"supcon", "", "all"}) {
    encoder->build({1, 16, 16}, 5);
    if (frozen)
      for (const auto& parameter : encoder->parameters().learned())
        at::Tensor(parameter.tensor).set_requires_grad(parameter.name.starts_with("head."));
    trainer.emplace(single_group(), at::kCPU, *encoder, made.objective(), config);
  }
  double step(int64_t number) { return trainer->step(batch_of(number, {0, 1}), 0).loss; }

  MadeCase made;
  Slot<Encoder> encoder{encoder_table(), "conv4"};
  std::optional<Trainer> trainer;
};

TEST(Trainer, ContinuesBitForBitFromItsTensorsWithTheAverageAmongThem) {
  TrainerConfig config = config_of(8);
  config.average = {0.8, 1};
  SoleRun whole(config), half(config), rest(config);
  for (int64_t i = 0; i < 4; ++i) {
    whole.step(i);
    half.step(i);
  }
  Snapshot saved;
  SaveState saving(single_group(), saved);
  half.trainer->visit_state(saving);
  RestoreState restoring(single_group(), saved);
  rest.trainer->visit_state(restoring);
  EXPECT_EQ(rest.trainer->steps_done(), 4);
  for (int64_t i = 4; i < 8; ++i) EXPECT_EQ(whole.step(i), rest.step(i));
  const auto ended = state_handles(*rest.trainer);
  for (const auto& [group, tensors] : state_handles(*whole.trainer))
    for (const auto& [name, tensor] : tensors)
      EXPECT_TRUE(tensor.equal(ended.at(group).at(name))) << group << " " << name;
}

TEST(Trainer, EvaluatesWithTheAveragedWeights) {
  TrainerConfig config = config_of(8);
  EXPECT_EQ(SoleRun(config).trainer->averaged(), nullptr);
  config.average = {0.8, 0};
  SoleRun run(config);
  for (int64_t i = 0; i < 4; ++i) run.step(i);
  const std::string name = "blocks.0.conv.weight";
  const at::Tensor live = run.encoder->parameters().learned()[0].tensor;
  const at::Tensor before = live.detach().clone(),
                   average = state_handles(*run.trainer).at("ema").at(name).clone();
  {
    const auto averaged = run.trainer->averaged();
    EXPECT_TRUE(live.equal(average));
  }
  EXPECT_TRUE(live.equal(before));
  EXPECT_FALSE(average.equal(before));
}

TEST(Trainer, LeavesFrozenParametersAsTheyAre) {
  TrainerConfig config = config_of(4);
  config.optimizer.weight_decay = 0.5;
  config.average = {0.8, 0};
  SoleRun run(config, /*frozen=*/true);
  std::map<std::string, at::Tensor> before;
  const auto tensors = state_handles(*run.trainer);
  for (const auto& [name, tensor] : tensors.at("model")) before[name] = tensor.clone();
  for (int64_t i = 0; i < 4; ++i) run.step(i);
  for (const auto& parameter : run.encoder->parameters().learned()) {
    const bool moves = parameter.name.starts_with("head.");
    EXPECT_EQ(parameter.tensor.equal(before.at(parameter.name)), !moves) << parameter.name;
    EXPECT_EQ(state_handles(*run.trainer).at("optimizer").contains(parameter.name + ".first"), moves);
    if (moves) continue;
    EXPECT_TRUE(state_handles(*run.trainer).at("ema").at(parameter.name).equal(parameter.tensor));
  }
}

TEST(Trainer, LearnsTheBatchesItSees) {
  const Curve curve = train(1, {"supcon", "", "all"}, "mlp", 60, at::kFloat);
  EXPECT_LT(curve.losses.back(), curve.losses.front());
}

TEST(Trainer, ALossThatIsNotFiniteIsAnErrorAndLeavesTheWeights) {
  const MadeCase made(Case{"supcon", "", "all"});
  Slot<Encoder> encoder(encoder_table(), "mlp");
  encoder->build({1, 16, 16}, 5);
  Trainer trainer(single_group(), at::kCPU, *encoder, made.objective(), {});
  const at::Tensor before = encoder->parameters().learned()[0].tensor.detach().clone();
  Batch batch = batch_of(0, {0, 1});
  batch.features.pixels_nCHW[0].fill_(std::nanf(""));
  EXPECT_THROW(trainer.step(batch, 0), Error);
  EXPECT_TRUE(before.equal(encoder->parameters().learned()[0].tensor));
  EXPECT_EQ(trainer.steps_done(), 0);
}

// Weights, moments, running statistics and memory are those of a run that never saw the bad batch.
TEST(Trainer, ASkippedStepLeavesNoTraceAndNamesItsRank) {
  for (const int world : {1, 3}) {
    run_ranks(world, [&](const Group& group) {
      const MadeCase made(Case{"supcon", "", "all"});
      TrainerConfig config;
      config.non_finite = {NonFiniteAction::kSkip, 2};
      config.batch_norm = BatchNormMode::kSync;
      Slot<Encoder> encoder(encoder_table(), "conv4");
      encoder->build({1, 16, 16}, 5);
      Trainer trainer(group, at::kCPU, *encoder, made.objective(), config);
      const Shard shard{group.rank(), group.size()};
      trainer.step(batch_of(0, shard), 0);
      EXPECT_FALSE(trainer.non_finite().has_value());
      std::map<std::string, std::map<std::string, at::Tensor>> before;
      for (const auto& [name, tensors] : state_handles(trainer))
        for (const auto& [key, tensor] : tensors) before[name][key] = tensor.clone();
      for (int again = 1; again <= 2; ++again) {
        Batch bad = batch_of(1, shard);
        if (group.rank() == group.size() - 1) bad.features.pixels_nCHW[0].fill_(std::nanf(""));
        trainer.step(bad, 0);
        ASSERT_TRUE(trainer.non_finite().has_value());
        EXPECT_EQ(trainer.non_finite()->what, NonFiniteValue::kLoss);
        EXPECT_EQ(trainer.counters().non_finite_steps, again);
        EXPECT_EQ(trainer.steps_done(), 1 + again);
        for (const auto& [name, tensors] : state_handles(trainer))
          for (const auto& [key, tensor] : tensors)
            EXPECT_TRUE(tensor.equal(before[name][key])) << name << " " << key;
      }
      Batch bad = batch_of(1, shard);
      bad.features.pixels_nCHW.fill_(std::nanf(""));
      EXPECT_THROW(trainer.step(bad, 0), NonFiniteError);  // one more than max_non_finite
    });
  }
}

TEST(Trainer, AGradientThatIsNotFiniteNamesItsTensor) {
  const MadeCase made(Case{"supcon", "", "all"});
  TrainerConfig config;
  config.non_finite = {NonFiniteAction::kSkip, 5};
  Slot<Encoder> encoder(encoder_table(), "mlp");
  encoder->build({1, 16, 16}, 5);
  Trainer trainer(single_group(), at::kCPU, *encoder, made.objective(), config);
  const Parameter& last = encoder->parameters().learned().back();
  const auto hook = last.tensor.register_hook([](at::Tensor gradient) { return gradient * INFINITY; });
  const at::Tensor before = last.tensor.detach().clone();
  trainer.step(batch_of(0, {0, 1}), 0);
  ASSERT_TRUE(trainer.non_finite().has_value());
  EXPECT_EQ(trainer.non_finite()->what, NonFiniteValue::kGradient);
  EXPECT_EQ(trainer.non_finite()->tensor, last.name);
  EXPECT_TRUE(trainer.non_finite()->ranks.empty());
  EXPECT_TRUE(before.equal(last.tensor));
  last.tensor.remove_hook(hook);
  trainer.step(batch_of(0, {0, 1}), 0);
  EXPECT_FALSE(trainer.non_finite().has_value());
  EXPECT_FALSE(before.equal(last.tensor));
}

}  // namespace
}  // namespace lodestone::testing
