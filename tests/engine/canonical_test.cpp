// determinism: canonical: the same bits on any number of ranks.
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trainer/engine/canonical_pass.h"
#include "training_worlds.h"

namespace lodestone::testing {
using namespace encoders;
using namespace engine;
namespace {

using ::testing::HasSubstr;

constexpr int64_t kUnevenRows = 22;  // 8 micro-shards of 3 or 2

TrainerConfig canonical(const Setting& setting) {
  TrainerConfig config = config_for(setting);
  config.batch_norm = BatchNormMode::kLocal;
  config.determinism = {Determinism::kCanonical, 8};
  config.optimizer.name = "adamw";
  config.optimizer.learning_rate = 0.01;
  config.optimizer.clip_norm = 0.5;
  config.average = {0.8, 0};
  setting.change(config);
  return config;
}

Outcome run(int world, const Setting& setting, int first = 0, int last = 4, const Outcome* saved = nullptr) {
  return train(world, setting.objective, canonical(setting), first, last, saved, at::kFloat, kUnevenRows);
}

void expect_equal(const Outcome& got, const Outcome& expected, int world) {
  EXPECT_EQ(got.losses, expected.losses) << "world " << world;
  for (const auto& [name, tensors] : expected.snapshot.tensors)
    for (const auto& [key, tensor] : tensors)
      EXPECT_TRUE(at::equal(got.snapshot.tensors.at(name).at(key), tensor))
          << name << " " << key << " world " << world;
}

class CanonicalWorlds : public ::testing::TestWithParam<Setting> {};

TEST_P(CanonicalWorlds, HaveTheSameBits) {
  const Setting& setting = GetParam();
  const Outcome one = run(1, setting);
  EXPECT_NE(one.losses.front(), one.losses.back()) << "it learns";
  for (const int world : {2, 3, 4, 8}) expect_equal(run(world, setting), one, world);
}

TEST_P(CanonicalWorlds, GoOnInEachOtherWithTheSameBits) {
  const Setting& setting = GetParam();
  const Outcome one = run(1, setting);
  for (const auto& [before, after] : {std::pair{3, 8}, {8, 1}}) {
    const Outcome half = run(before, setting, 0, 2);
    Outcome rest = run(after, setting, 2, 4, &half);
    rest.losses.insert(rest.losses.begin(), half.losses.begin(), half.losses.end());
    expect_equal(rest, one, after);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, CanonicalWorlds,
    ::testing::Values(
        Setting{"triplet batch_hard", {"triplet", "margin: 0.5", "batch_hard"}},
        Setting{"all triplets", {"triplet", "", "all"}}, Setting{"infonce", {"infonce", "", "all"}},
        Setting{"supcon", {"supcon", "learn_temperature: true", "all"}},
        Setting{"supcon in bfloat16",
                {"supcon", "", "all"},
                [](TrainerConfig& config) { config.precision = Precision::kBFloat16; }},
        Setting{"frozen norms",
                {"multi_similarity", "", "multi_similarity"},
                [](TrainerConfig& config) { config.batch_norm = BatchNormMode::kFrozen; }},
        Setting{"clip", {"clip", "", "all"}},
        Setting{"sampled proxies",
                {"cosface", "scale: 8", "all"},
                [](TrainerConfig& config) { config.loss_head.proxies.sample_rate = 0.4; }},
        Setting{"xbm", {"contrastive", "", "all"}, kMemory(MemoryKind::kXbm)},
        Setting{"momentum queue", {"infonce", "temperature: 0.2", "all"}, kMemory(MemoryKind::kMomentum)}));

TEST(Canonical, ContinuesWithTheSameBitsFromAnyOfOneTwoFourEightRanksToAnyOther) {
  const Setting setting{"xbm", {"contrastive", "", "all"}, kMemory(MemoryKind::kXbm)};
  const Outcome one = run(1, setting);
  for (const int before : {1, 2, 4, 8}) {
    const Outcome half = run(before, setting, 0, 2);
    for (const int after : {1, 2, 4, 8}) {
      if (after == before) continue;
      SCOPED_TRACE(std::to_string(before) + " ranks, then " + std::to_string(after));
      Outcome rest = run(after, setting, 2, 4, &half);
      rest.losses.insert(rest.losses.begin(), half.losses.begin(), half.losses.end());
      expect_equal(rest, one, after);
    }
  }
}

// What the mode is for: without it the same run differs in its last digits.
TEST(Canonical, OtherwiseWorldsDifferInTheLastDigits) {
  const Setting setting{"", {"supcon", "", "all"}, [](TrainerConfig& config) {
                          config.determinism.kind = Determinism::kWorld;
                          config.batch_norm = BatchNormMode::kSync;
                        }};
  EXPECT_NE(run(1, setting).losses, run(3, setting).losses);
}

TEST(Canonical, IsTheGradientOfTheWholeBatch) {
  const Setting setting{
      "", {"supcon", "", "all"}, [](TrainerConfig& config) { config.batch_norm = BatchNormMode::kFrozen; }};
  TrainerConfig config = config_for(setting);
  const Outcome whole = train(1, setting.objective, config, 0, 4);
  for (const int64_t shards : {1, 3, 7, 12}) {
    config.determinism = {Determinism::kCanonical, shards};
    const Outcome cut = train(1, setting.objective, config, 0, 4);
    for (const auto& [name, tensor] : whole.snapshot.tensors.at("model"))
      EXPECT_LE(max_relative_error(cut.snapshot.tensors.at("model").at(name), tensor), 1e-9)
          << name << " " << shards;
  }
}

std::string refusal(const std::function<void(TrainerConfig&)>& change, int world = 1) {
  try {
    train(world, {"supcon", "", "all"}, canonical({"", {}, change}), 0, 1);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Canonical, WhatDependsOnRanksIsRefused) {
  EXPECT_THAT(refusal([](TrainerConfig& config) { config.batch_norm = BatchNormMode::kSync; }),
              HasSubstr("batch_norm: local or frozen"));
  EXPECT_THAT(refusal([](TrainerConfig& config) { config.micro_batch = 4; }), HasSubstr("micro_batch: 0"));
  EXPECT_THAT(refusal([](TrainerConfig& config) { config.exchange = RowExchange::kRing; }),
              HasSubstr("exchange: gather"));
  EXPECT_THAT(refusal([](TrainerConfig& config) { config.wire = Precision::kBFloat16; }),
              HasSubstr("wire: float32"));
  EXPECT_THAT(refusal([](TrainerConfig& config) { config.loss_head.mining_scope = MiningScope::kLocal; }),
              HasSubstr("mining_scope: global"));
  EXPECT_THAT(refusal([](TrainerConfig& config) { config.determinism.micro_shards = 2; }, 3),
              HasSubstr("one for each of the 3 ranks"));
}

}  // namespace
}  // namespace lodestone::testing
