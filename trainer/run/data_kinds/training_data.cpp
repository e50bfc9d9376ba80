#include "trainer/run/data_kinds/training_data.h"

#include "common/files.h"
#include "sampler/samplers/sampler_learner.h"
#include "trainer/run/training_checks.h"

namespace lodestone::run {

encoders::InputShape image_shape(const DataConfig& config) {
  return {config.image.channels, config.image.height, config.image.width};
}

negatives::Objective::Setting setting_of(const RunConfig& config, const TrainingData& data) {
  const engine::LossHeadConfig& side = config.training.loss_head;
  return {.explicit_tuples = !data.tuples.empty(),
          .explicit_pairs = data.has_pairs(),
          .memory = side.memory.on(),
          .momentum_keys = side.memory.has_momentum_encoder(),
          .whole_world = side.mining_scope == engine::MiningScope::kGlobal,
          .losses = config.tables.losses(),
          .miners = config.tables.miners()};
}

engine::LossHeadSetup loss_head_setup(const RunConfig& config, const TrainingData& data,
                                      encoders::Encoder* momentum_encoder) {
  engine::LossHeadSetup setup{
      {}, config.encoder->output_dim(), at::kFloat, static_cast<uint64_t>(config.seed), momentum_encoder};
  if (config.loss->uses_proxies())
    setup.key_c =
        coordinator::class_keys(*data.dataset(), config.data.kind->has_class_names(config.data.text.layout));
  if (data.tuples.empty())
    for (int64_t c = 0; c < data.dataset()->classes(); ++c) setup.group_c.push_back(data.dataset()->group(c));
  return setup;
}

bool deals_sides(const RunConfig& config, const TrainingData& data) {
  if (config.global_batch % 2 != 0 || !data.tuples.empty()) return false;
  if (data.texts_per_row > 0) return data.texts_per_row == 2;
  return config.sampler->unit() % 2 == 0;
}

namespace {

// Objective::check checks explicit pairs and triplets.
void check_sides(const RunConfig& config, const TrainingData& data) {
  if (config.loss->pairing() != losses::Pairing::kTowers || !data.tuples.empty()) return;
  if (data.texts_per_row > 2)
    throw ConfigError(
        "loss: expected rows of two texts, which " + config.loss.name() +
        " compares with one another, got rows of " + std::to_string(data.texts_per_row) +
        "; set data.text.negatives: 0, or use a loss that compares a query with its negatives, loss.name: " +
        losses::losses_that(config.tables.losses(), losses::compares_rows));
  if (!deals_sides(config, data))
    throw ConfigError("loss: this loss compares two views of each sample; use sampler.name: " +
                      sampler::samplers_with(&sampler::SamplerFactory::samples_are_labels) +
                      " and an even global_batch");
}

}  // namespace

TrainingData open_training_data(const RunConfig& config, int world) {
  if (config.global_batch < world)
    throw ConfigError("global_batch: expected at least one row for each of the " + std::to_string(world) +
                      " ranks, got " + std::to_string(config.global_batch) +
                      "; raise global_batch or start fewer ranks");
  check_names_data(config.data);
  const engine::DeterminismConfig& determinism = config.training.determinism;
  if (determinism.canonical() &&
      (determinism.micro_shards > config.global_batch || determinism.micro_shards < world))
    throw ConfigError("micro_shards: expected at least one for each of the " + std::to_string(world) +
                      " ranks, and no more than global_batch = " + std::to_string(config.global_batch) +
                      ", got " + std::to_string(determinism.micro_shards));
  TrainingData data = config.data.kind->open_training(config);
  check_sides(config, data);
  config.objective().check(setting_of(config, data));
  const sampler::SamplerLearner* learner = data.sampler->learner();
  if (learner && learner->lookahead() < config.data.loader.depth + 1)
    throw ConfigError("sampler.hard_class.refresh: expected at least data.loader.depth + 1 = " +
                      std::to_string(config.data.loader.depth + 1) + ", since batches are made ahead, got " +
                      std::to_string(learner->lookahead()));
  return data;
}

coordinator::RunFacts run_facts(const RunConfig& config, const TrainingData& data) {
  coordinator::RunFacts facts{data.dataset(),
                              data.sampler,
                              config.sampler.name(),
                              config.data.kind->has_class_names(config.data.text.layout),
                              static_cast<uint64_t>(config.seed),
                              {},
                              {},
                              {}};
  if (config.data.kind->reads_texts()) {
    facts.vocabulary_file = config.data.resolved(config.data.text.tokenizer.path);
    facts.vocabulary = checksum(read_file(facts.vocabulary_file));
  }
  facts.config = write_settings(config);
  return facts;
}

}  // namespace lodestone::run
