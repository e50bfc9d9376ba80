// What lies on the loss's side of the embeddings: memory, proxies, learned temperatures, momentum keys, micro-batches.
#include "trainer/engine/loss_side.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sort.h>
#include <gtest/gtest.h>

#include "support/batches.h"
#include "support/objectives.h"
#include "support/ranks.h"
#include "trainer/engine/trainer.h"

namespace lodestone::testing {
namespace {

constexpr int64_t kRows = 12, kClasses = 7;

Batch batch_of(int64_t step, Shard shard) {
  const LocalRows all = random_batch(kRows, 256, 300 + static_cast<uint64_t>(step));
  Batch batch;
  batch.cursor = {0, step};
  batch.global_rows = kRows;
  batch.share = share_of(kRows, shard);
  batch.features =
      all.z_bD.narrow(0, batch.share.begin, batch.share.size()).view({batch.share.size(), 1, 16, 16});
  for (int64_t i = batch.share.begin; i < batch.share.end; ++i) {
    batch.labels.push_back(all.label_b[i].item<int64_t>());
    batch.groups.push_back(all.group_b[i].item<int64_t>());
    batch.ids.push_back(all.id_b[i].item<int64_t>() + 5 * step);  // some samples come again
  }
  return batch;
}

struct Outcome {
  std::vector<double> losses;
  std::map<std::string, std::map<std::string, at::Tensor>> tensors;
};

using Saved = std::map<std::string, std::map<std::string, at::Tensor>>;

/// Steps [first, last) on `world` ranks, going on from `saved` if given.
Outcome train(int world, const Case& c, const TrainerConfig& config, int first, int last,
              const Outcome* saved = nullptr) {
  Outcome outcome;
  run_ranks(world, [&](const Group& group) {
    const MadeCase made(c);
    Slot<Encoder> encoder(encoder_table(), "conv4"), slow(encoder_table(), "conv4");
    for (auto* e : {&encoder, &slow}) {
      (*e)->build({1, 16, 16}, 5);
      (*e)->parameters().convert(at::kDouble, at::kCPU);
    }
    std::vector<int64_t> group_c;
    for (int64_t k = 0; k < kClasses; ++k) group_c.push_back(k == 1 ? 0 : k);
    Trainer trainer(group, at::kCPU, *encoder, made.objective(), config,
                    {group_c, encoder->output_dim(), at::kDouble, 9, &*slow});
    if (saved) {
      at::NoGradGuard no_grad;
      for (const auto& [name, tensors] : trainer.tensors())
        for (const auto& [key, tensor] : tensors) at::Tensor(tensor).copy_(saved->tensors.at(name).at(key));
      trainer.loss_side().restore(saved->tensors);
      trainer.set_steps_done(first);
    }
    std::vector<double> losses;
    for (int step = first; step < last; ++step)
      losses.push_back(trainer.step(batch_of(step, {group.rank(), group.size()}), 0).loss);
    Saved all = trainer.loss_side().gathered();
    if (group.rank() != 0) return;
    for (const auto& [name, tensors] : trainer.tensors())
      for (const auto& [key, tensor] : tensors) all[name][key] = tensor.clone();
    outcome = {losses, all};
  });
  return outcome;
}

void expect_same(const Outcome& got, const Outcome& expected, double tolerance) {
  ASSERT_EQ(got.losses.size(), expected.losses.size());
  for (size_t i = 0; i < got.losses.size(); ++i)
    EXPECT_NEAR(got.losses[i], expected.losses[i], 1e-8) << "step " << i;
  for (const auto& [name, tensors] : expected.tensors)
    for (const auto& [key, tensor] : tensors)
      EXPECT_LE(
          (got.tensors.at(name).at(key).to(at::kDouble) - tensor.to(at::kDouble)).abs().max().item<double>(),
          tolerance)
          << name << " " << key;
}

struct Setting {
  const char* name;
  Case objective;
  std::function<void(TrainerConfig&)> change = [](TrainerConfig&) {};
};

std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << setting.name;
}

TrainerConfig config_for(const Setting& setting) {
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

const auto kMemory = [](const char* kind) {
  return [kind](TrainerConfig& config) {
    config.loss_side.memory.kind = kind;
    config.loss_side.memory.size = 29;
    config.loss_side.memory.momentum = 0.9;
    config.loss_side.memory.start_step = 1;
  };
};

class LossSideWorlds : public ::testing::TestWithParam<Setting> {};

TEST_P(LossSideWorlds, GiveTheSameRunAndGoOnInEachOther) {
  const TrainerConfig config = config_for(GetParam());
  const Case& c = GetParam().objective;
  const Outcome one = train(1, c, config, 0, 6);
  for (const int world : {2, 3}) expect_same(train(world, c, config, 0, 6), one, 1e-7);
  // Saved by two ranks after three steps, continued by one and by three.
  const Outcome half = train(2, c, config, 0, 3);
  for (const int world : {1, 3}) {
    Outcome rest = train(world, c, config, 3, 6, &half);
    rest.losses.insert(rest.losses.begin(), half.losses.begin(), half.losses.end());
    expect_same(rest, one, 1e-7);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, LossSideWorlds,
    ::testing::Values(Setting{"xbm", {"contrastive", "", "all"}, kMemory("xbm")},
                      Setting{"momentum queue", {"infonce", "temperature: 0.2", "all"}, kMemory("momentum")},
                      Setting{"proxies", {"normalized_softmax", "", "all"}},
                      Setting{"sampled proxies",
                              {"cosface", "scale: 8", "all"},
                              [](TrainerConfig& config) { config.loss_side.proxies.sample_rate = 0.4; }},
                      Setting{"proxies by Adam",
                              {"proxy_anchor", "", "all"},
                              [](TrainerConfig& config) {
                                config.optimizer.name = "adamw";
                                config.optimizer.learning_rate = 1e-5;
                              }},
                      Setting{"learned temperature", {"supcon", "learn_temperature: true", "all"}},
                      Setting{"two towers", {"siglip", "", "all"}},
                      Setting{"learned boundary", {"margin", "", "distance_weighted"}}));

TEST(Proxies, SampledAtOneAreTheDenseSoftmax) {
  const std::vector<int64_t> group_c = {0, 1, 2, 3, 4};
  ProxyConfig dense, sampled;
  sampled.sample_rate = 0.5;
  Proxies all(single_group(), at::kCPU, group_c, 4, at::kDouble, 3, dense, {});
  EXPECT_EQ(all.select(integers({2}), 0, true).size(), 5);
  Proxies some(single_group(), at::kCPU, group_c, 4, at::kDouble, 3, sampled, {});
  bool fewer = false;
  for (int64_t step = 0; step < 20; ++step) {
    const RowSet seen = some.select(integers({2, 4}), step, true);
    EXPECT_TRUE((seen.label_n == 2).any().item<bool>() && (seen.label_n == 4).any().item<bool>());
    fewer = fewer || seen.size() < 5;
  }
  EXPECT_TRUE(fewer);
}

TEST(Memory, KeepsTheNewestRowsAndTheirAge) {
  Memory memory(single_group(), at::kCPU, 5, 2, at::kDouble);
  EXPECT_FALSE(memory.ages(0).mean.has_value());
  const auto rows = [](int64_t first, int64_t count) {
    const at::Tensor n = at::arange(first, first + count);
    return shard_rows(n.to(at::kDouble).unsqueeze(1).expand({count, 2}), n, n, n);
  };
  memory.push(rows(0, 3), 0);
  EXPECT_EQ(memory.entries().size(), 3);
  memory.push(rows(3, 4), 1);
  EXPECT_TRUE(at::equal(std::get<0>(memory.entries().id_n.sort()), integers({2, 3, 4, 5, 6})));
  EXPECT_NEAR(*memory.ages(3).mean, (3 + 4 * 2) / 5.0, 1e-12);
  EXPECT_EQ(*memory.ages(3).largest, 3);
  memory.push(rows(10, 9), 2);
  EXPECT_TRUE(at::equal(std::get<0>(memory.entries().id_n.sort()), integers({14, 15, 16, 17, 18})));
}

TEST(GradientCache, MicroBatchesGiveTheGradientOfTheWholeBatch) {
  Setting setting{
      "micro", {"supcon", "", "all"}, [](TrainerConfig& config) { config.batch_norm = "frozen"; }};
  TrainerConfig config = config_for(setting);
  const Outcome whole = train(1, setting.objective, config, 0, 4);
  for (const int64_t rows : {1, 5, 12, 40})
    for (const int world : {1, 2}) {
      config.micro_batch = rows;
      expect_same(train(world, setting.objective, config, 0, 4), whole, 1e-9);
    }
}

TEST(GradientCache, UpdatesRunningStatisticsOnce) {
  Slot<Encoder> once(encoder_table(), "conv4"), cached(encoder_table(), "conv4");
  for (auto* e : {&once, &cached}) (*e)->build({1, 16, 16}, 5);
  std::vector<at::Tensor> learned;
  for (const auto& parameter : cached->parameters().learned()) learned.push_back(parameter.tensor);
  GradientSync sync(single_group(), learned);
  GradientCache cache(*cached, sync, 4, "float32");
  const ForwardMode mode = training_mode(single_group(), "local");
  const at::Tensor x = batch_of(0, {0, 1}).features.pixels_nCHW.to(at::kFloat);
  for (int64_t begin = 0; begin < kRows; begin += 4) once->forward(x.narrow(0, begin, 4), mode);
  const at::Tensor z_bD = cache.encode(x, mode);
  cache.backward(at::ones_like(z_bD));
  sync.finish();
  for (size_t i = 0; i < once->parameters().buffers().size(); ++i)
    EXPECT_TRUE(at::equal(cached->parameters().buffers()[i].tensor, once->parameters().buffers()[i].tensor));
}

}  // namespace
}  // namespace lodestone::testing
