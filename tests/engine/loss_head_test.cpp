// What lies on the loss's side of the embeddings: memory, proxies, learned temperatures, momentum keys,
// micro-batches.
#include "trainer/engine/loss_head.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sort.h>
#include <gtest/gtest.h>

#include "distributed/reductions/gradient_sync.h"
#include "trainer/engine/gradient_cache.h"
#include "training_worlds.h"

namespace lodestone::testing {
using namespace distributed;
using namespace encoders;
using namespace engine;
using namespace negatives;
namespace {

void expect_same(const Outcome& got, const Outcome& expected, double tolerance) {
  ASSERT_EQ(got.losses.size(), expected.losses.size());
  for (size_t i = 0; i < got.losses.size(); ++i)
    EXPECT_NEAR(got.losses[i], expected.losses[i], 1e-8) << "step " << i;
  for (const auto& [name, tensors] : expected.snapshot.tensors)
    for (const auto& [key, tensor] : tensors)
      EXPECT_LE((got.snapshot.tensors.at(name).at(key).to(at::kDouble) - tensor.to(at::kDouble))
                    .abs()
                    .max()
                    .item<double>(),
                tolerance)
          << name << " " << key;
}

class LossHeadWorlds : public ::testing::TestWithParam<Setting> {};

TEST_P(LossHeadWorlds, GiveTheSameRunAndGoOnInEachOther) {
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
    All, LossHeadWorlds,
    ::testing::Values(
        Setting{"xbm", {"contrastive", "", "all"}, kMemory(MemoryKind::kXbm)},
        Setting{"momentum queue", {"infonce", "temperature: 0.2", "all"}, kMemory(MemoryKind::kMomentum)},
        Setting{"proxies", {"normalized_softmax", "", "all"}},
        Setting{"sampled proxies",
                {"cosface", "scale: 8", "all"},
                [](TrainerConfig& config) { config.loss_head.proxies.sample_rate = 0.4; }},
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
  Setting setting{"micro", {"supcon", "", "all"}, [](TrainerConfig& config) {
                    config.batch_norm = BatchNormMode::kFrozen;
                  }};
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
  GradientCache cache(*cached, sync, 4, Precision::kFloat32);
  const ForwardMode mode = training_mode(single_group(), BatchNormMode::kLocal);
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
