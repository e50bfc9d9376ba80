#include "trainer/run/training_checks.h"

namespace lodestone::run {

namespace {

void check_sampler(const RunConfig& config) {
  const int64_t unit = config.sampler->unit();
  if (!config.rows_are_given() && config.global_batch % unit != 0)
    throw ConfigError("global_batch: expected a multiple of " + std::to_string(unit) +
                      ", the rows that sampler.name: " + config.sampler.name() + " keeps together, got " +
                      std::to_string(config.global_batch) + "; change one of them");
}

// Whether data give pairs or tuples shows when they are opened, if the data determine the rows.
void check_objective(const RunConfig& config) {
  if (config.rows_are_given()) return;
  const engine::LossHeadConfig& side = config.training.loss_head;
  config.objective().check({.memory = side.memory.on(),
                            .momentum_keys = side.memory.has_momentum_encoder(),
                            .whole_world = side.mining_scope == engine::MiningScope::kGlobal,
                            .losses = config.tables.losses(),
                            .miners = config.tables.miners()});
}

void check_micro_shards(const RunConfig& config) {
  const engine::DeterminismConfig& determinism = config.training.determinism;
  if (determinism.canonical() && determinism.micro_shards > config.global_batch)
    throw ConfigError(
        "micro_shards: expected no more than global_batch = " + std::to_string(config.global_batch) +
        ", got " + std::to_string(determinism.micro_shards) + "; lower it");
}

}  // namespace

void check_names_data(const DataConfig& config) {
  if (config.tuples.empty() && config.train.empty())
    throw ConfigError(
        "data.train.path: expected a folder of class folders, tar shards or a text file, got nothing; set it "
        "in the configuration or with --set data.train.path=…");
}

void check_training(const RunConfig& config, ConfigFaults& faults) {
  faults.collect([&] { check_names_data(config.data); });
  faults.collect([&] { config.data.train.check("data.train"); });
  faults.collect([&] { config.evaluate.data.check("evaluate.data"); });
  faults.collect([&] {
    if (config.data.kind->reads_images()) sampler::ImageTransform(config.data.image, 0);
  });
  faults.collect([&] { check_sampler(config); });
  faults.collect([&] { check_objective(config); });
  faults.collect([&] { check_micro_shards(config); });
  faults.collect([&] { config.training.optimizer.check(); });
  // Which device `auto` stands for shows on the host.
  if (config.distributed.device != distributed::DeviceChoice::kAuto)
    faults.collect([&] {
      const bool cpu = config.distributed.device == distributed::DeviceChoice::kCpu;
      config.training.check(cpu ? at::kCPU : at::kCUDA);
    });
  faults.collect([&] { config.metrics.check(); });
  faults.collect([&] { config.report.check(); });
}

}  // namespace lodestone::run
