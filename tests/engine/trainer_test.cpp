// Whole steps: the same global batches give the same curve and weights on any number of ranks.
#include "trainer/engine/trainer.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "support/batches.h"
#include "support/objectives.h"
#include "support/ranks.h"

namespace lodestone::testing {
namespace {

constexpr int64_t kRows = 12;

Batch batch_of(int64_t step, Shard shard) {
  const LocalRows all = random_batch(kRows, 256, 100 + static_cast<uint64_t>(step));
  Batch batch;
  batch.cursor = {0, step};
  batch.global_rows = kRows;
  batch.share = share_of(kRows, shard);
  batch.features =
      all.z_bD.narrow(0, batch.share.begin, batch.share.size()).to(at::kFloat).view({-1, 1, 16, 16});
  if (batch.share.size() == 0) batch.features = batch.features.pixels_nCHW.view({0, 1, 16, 16});
  for (int64_t i = batch.share.begin; i < batch.share.end; ++i) {
    batch.labels.push_back(all.label_b[i].item<int64_t>());
    batch.groups.push_back(all.group_b[i].item<int64_t>());
    batch.ids.push_back(all.id_b[i].item<int64_t>());
  }
  return batch;
}

struct Curve {
  std::vector<double> losses;
  std::map<std::string, at::Tensor> weights;
};

Curve train(int world, const Case& objective_case, const char* encoder_name, int steps,
            at::ScalarType dtype) {
  Curve curve;
  TrainerConfig config;
  config.schedule.steps = steps;
  config.schedule.warmup_steps = 2;
  config.batch_norm = "sync";
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
    if (group.rank() == group.size() - 1) curve = {losses, trainer.tensors().at("model")};
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

}  // namespace
}  // namespace lodestone::testing
