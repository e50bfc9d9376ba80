#include <chrono>
#include <cstdio>
#include <map>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "common/median.h"
#include "common/output_file.h"
#include "common/safetensors.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/metrics/traffic_fields.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/ranks.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

struct BenchStepArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  int64_t steps = 20;
  int64_t warm_up = 3;
  int64_t batches = 4;
  std::string rows;
  std::string weights;
  std::string json;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// This rank's share of some global batches in memory, and the facts about their classes that a run needs.
struct StepData {
  std::vector<sampler::Batch> batches;
  engine::LossHeadSetup setup;
  int64_t tokens = 0;  ///< of a global batch, without padding; mean over the batches
};

std::vector<int64_t> numbers(const at::Tensor& x) {
  const at::Tensor y = x.to(at::kLong).contiguous();
  return {y.const_data_ptr<int64_t>(), y.const_data_ptr<int64_t>() + y.numel()};
}

StepData from_file(const coordinator::RunContext& context, const BenchStepArguments& arguments,
                   run::RunConfig& config) {
  TensorMap file = read_safetensors(arguments.rows);
  const auto need = [&](const char* name, int64_t axes) {
    const auto found = file.find(name);
    if (found == file.end() || found->second.dim() != axes)
      throw DataError(arguments.rows + ": expected a tensor " + name + " of " + std::to_string(axes) +
                      " axes, got none; lodestone bench step --help names what is read");
    return found->second;
  };
  const at::Tensor label_SB = need("label", 2), pixels_SBCHW = need("pixels", 5);
  if (pixels_SBCHW.size(0) != label_SB.size(0) || pixels_SBCHW.size(1) != label_SB.size(1) ||
      label_SB.numel() == 0)
    throw DataError(arguments.rows +
                    ": expected label and pixels of the same batches and rows, and some of them");
  if (label_SB.min().item<int64_t>() < 0)
    throw DataError(arguments.rows + ": expected labels of 0 or more, got a label below");
  const int64_t rows = config.global_batch = label_SB.size(1);
  config.data.image.channels = pixels_SBCHW.size(2);
  config.data.image.height = pixels_SBCHW.size(3);
  config.data.image.width = pixels_SBCHW.size(4);
  const sampler::Shard shard = config.training.determinism.shard(context.world);
  StepData data;
  for (int64_t s = 0; s < label_SB.size(0); ++s) {
    sampler::Batch batch;
    batch.global_rows = rows;
    batch.share = sampler::share_of(rows, shard);
    const auto own = [&](const at::Tensor& all) {
      return all[s].narrow(0, batch.share.begin, batch.share.size());
    };
    batch.features = own(pixels_SBCHW).to(at::kFloat).contiguous();
    batch.labels = batch.groups = numbers(own(label_SB));
    for (int64_t i = batch.share.begin; i < batch.share.end; ++i) batch.ids.push_back(s * rows + i);
    data.batches.push_back(std::move(batch));
  }
  for (int64_t c = 0; c <= label_SB.max().item<int64_t>(); ++c) data.setup.group_c.push_back(c);
  return data;
}

StepData from_config(const coordinator::RunContext& context, const BenchStepArguments& arguments,
                     const run::RunConfig& config) {
  const run::TrainingData source = run::open_training_data(config, context.world.size());
  sampler::Loader loader(source.examples, source.sampler, config.training.determinism.shard(context.world),
                         config.data.loader, static_cast<uint64_t>(config.seed), {}, true, arguments.batches);
  StepData data;
  at::Tensor tokens = at::zeros({1}, at::kLong);
  while (loader.has_next()) {
    data.batches.push_back(loader.next());
    if (const at::Tensor& mask_nT = data.batches.back().features.mask_nT; mask_nT.defined())
      tokens += mask_nT.sum();
  }
  if (context.launch.device().is_cuda()) tokens = tokens.to(context.launch.device());
  context.world.all_reduce(tokens);
  data.tokens = tokens.item<int64_t>() / static_cast<int64_t>(data.batches.size());
  data.setup = run::loss_head_setup(config, source, nullptr);
  return data;
}

// Reads the encoder's weights and running statistics from a file, by name, so that another program can start
// from the same ones.
void take_weights(const std::string& path, encoders::Parameters& parameters) {
  at::NoGradGuard no_grad;
  const TensorMap file = read_safetensors(path);
  for (const auto* list : {&parameters.learned(), &parameters.buffers()})
    for (const auto& parameter : *list) {
      const auto found = file.find(parameter.name);
      if (found == file.end() || found->second.sizes() != parameter.tensor.sizes())
        throw DataError(path + ": expected a tensor " + parameter.name +
                        " of the configured encoder's shape, got none");
      at::Tensor(parameter.tensor).copy_(found->second);
    }
}

/// Seconds of each timed step, whole and by phase.
struct Timings {
  std::map<std::string, int64_t> sent_bytes;  ///< sent by this rank in the last step, by collective
  std::vector<double> step;
  std::vector<engine::StepMetrics> metrics;
};

Timings time_steps(const coordinator::RunContext& context, engine::Trainer& trainer, const StepData& data,
                   int64_t warm_up, int64_t steps) {
  Timings timings;
  distributed::Traffic before;
  for (int64_t i = 0; i < warm_up + steps; ++i) {
    before = context.world.traffic();
    const double start = now();
    timings.metrics.push_back(trainer.step(data.batches[static_cast<size_t>(i) % data.batches.size()], 0));
    timings.step.push_back(now() - start);
  }
  const distributed::Traffic after = context.world.traffic();
  for (const auto& [name, verb] : coordinator::kTrafficFields)
    timings.sent_bytes[name] = (after.*verb).bytes - (before.*verb).bytes;
  context.world.barrier();
  return timings;
}

nlohmann::json report(const coordinator::RunContext& context, const run::RunConfig& config,
                      const StepData& data, const Timings& timings, int64_t warm_up) {
  const auto begin = static_cast<std::ptrdiff_t>(warm_up);
  const double seconds = median({timings.step.begin() + begin, timings.step.end()});
  nlohmann::json phases;
  for (const auto& phase : engine::kPhaseFields) {
    std::vector<double> values;
    for (auto m = timings.metrics.begin() + begin; m != timings.metrics.end(); ++m)
      values.push_back(m->phases.*phase.member);
    phases[phase.name] = median(values);
  }
  const auto rate = [&](int64_t count) { return static_cast<double>(count) / seconds; };
  nlohmann::json result = {{"world", context.world.size()},
                           {"threads", at::get_num_threads()},
                           {"device", context.launch.device().str()},
                           {"precision", choice_name(config.training.precision, engine::kPrecisions)},
                           {"encoder", config.encoder.name()},
                           {"parameters", config.encoder->parameters().count()},
                           {"loss", config.loss.name()},
                           {"miner", config.miner.name()},
                           {"global_batch", config.global_batch},
                           {"steps", timings.step.size() - static_cast<size_t>(warm_up)},
                           {"seconds", seconds},
                           {"samples_per_second", rate(config.global_batch)},
                           {"phase_seconds", phases},
                           {"sent_bytes", timings.sent_bytes},
                           {"losses", nlohmann::json::array()}};
  if (data.tokens > 0) result["tokens_per_second"] = rate(data.tokens);
  for (const auto& metrics : timings.metrics) result["losses"].push_back(metrics.loss);
  return result;
}

void print(const nlohmann::json& r) {
  std::printf("%s, %ld parameters, %s, %s: %d rank(s) x %d thread(s), global batch %ld\n",
              r["encoder"].get<std::string>().c_str(), r["parameters"].get<long>(),
              r["loss"].get<std::string>().c_str(), r["precision"].get<std::string>().c_str(),
              r["world"].get<int>(), r["threads"].get<int>(), r["global_batch"].get<long>());
  std::printf("%.1f samples/s, %.4f s a step (median of %ld)\n", r["samples_per_second"].get<double>(),
              r["seconds"].get<double>(), r["steps"].get<long>());
  if (r.contains("tokens_per_second")) std::printf("%.0f tokens/s\n", r["tokens_per_second"].get<double>());
  for (const auto& phase : engine::kPhaseFields) {
    const double seconds = r["phase_seconds"][phase.name].get<double>();
    std::printf("  %-9s %9.2f ms %5.1f %%\n", phase.name, 1e3 * seconds,
                100 * seconds / r["seconds"].get<double>());
  }
}

int bench(coordinator::RunContext& context, run::RunConfig& config, const BenchStepArguments& arguments) {
  StepData data = arguments.rows.empty() ? from_config(context, arguments, config)
                                         : from_file(context, arguments, config);
  if (context.launch.device().is_cuda())  // as the loader does in training
    for (sampler::Batch& batch : data.batches) batch.features = batch.features.pinned();
  run::build_encoder(config, *config.encoder);
  config.encoder->load_initial_weights();
  config.encoder->parameters().convert(at::kFloat, context.launch.device());
  if (!arguments.weights.empty()) take_weights(arguments.weights, config.encoder->parameters());
  data.setup.width = config.encoder->output_dim();
  data.setup.seed = static_cast<uint64_t>(config.seed);
  if (config.training.loss_head.memory.has_momentum_encoder())
    throw ConfigError("bench step: memory.kind momentum is not timed; use none or xbm");
  engine::Trainer trainer(context.world, context.launch.device(), *config.encoder, config.objective(),
                          config.training, data.setup);
  const Timings timings = time_steps(context, trainer, data, arguments.warm_up, arguments.steps);
  const nlohmann::json result = report(context, config, data, timings, arguments.warm_up);
  if (!context.is_main_rank()) return kDone;
  if (!arguments.json.empty()) write_output(arguments.json, json_text(result, 2) + "\n");
  print(result);
  return kDone;
}

int run_bench_step(const BenchStepArguments& arguments, const run::Tables& tables) {
  run::RunConfig config(tables);
  run::read_named_config(arguments.config, arguments.assignments, arguments.allow_code, config);
  return run::run_on_ranks(
      config, [&](coordinator::RunContext& context) { return bench(context, config, arguments); });
}

}  // namespace

void add_bench_step(CLI::App* step, Action& action) {
  auto arguments = on<BenchStepArguments>(step, action, run_bench_step);
  add_path(step, "config", arguments->config, "Configuration file (YAML)")->required();
  step->add_option("--steps", arguments->steps, "Number of timed steps")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  step->add_option("--warm-up", arguments->warm_up, "Number of untimed steps before the timed ones")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  step->add_option("--batches", arguments->batches, "Number of different global batches, used in turn")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_path(step, "--rows", arguments->rows,
           "Safetensors file with the global batches, in place of the configured data: label [S, B] int64 "
           "and pixels [S, B, C, H, W] float32");
  add_path(step, "--weights", arguments->weights,
           "Safetensors file with the encoder's initial tensors, by name");
  add_path(step, "--json", arguments->json, "File for the results as JSON");
  add_set(step, arguments->assignments);
  add_allow_code(step, arguments->allow_code);
}

}  // namespace lodestone::commands
