#include "trainer/init/probe.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include <ATen/Parallel.h>

#include "common/counted.h"
#include "common/exit_code.h"
#include "common/median.h"
#include "common/text_format.h"
#include "sampler/loader.h"
#include "trainer/engine/trainer.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/ranks.h"

namespace lodestone::init {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kWarmUp = 2, kMostSteps = 40;
constexpr double kSeconds = 6;
constexpr double kOfTheTime = 0.9;    // the rest is for the start, checkpoints and the report
constexpr double kForwardPart = 0.4;  // of a step: what evaluating as many rows takes
constexpr int64_t kFewestSteps = 50;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Probe take_steps(coordinator::RunContext& context, run::RunConfig& config) {
  const run::TrainingData data = run::open_training_data(config, context.world.size());
  run::build_encoder(config, *config.encoder);
  config.encoder->load_initial_weights();
  const c10::Device device = context.launch.device();
  config.encoder->parameters().convert(at::kFloat, device);
  engine::Trainer trainer(context.world, device, *config.encoder, config.objective(), config.training,
                          run::loss_head_setup(config, data, nullptr));
  sampler::Loader loader(data.examples, data.sampler, config.training.determinism.shard(context.world),
                         config.data.loader, static_cast<uint64_t>(config.seed));
  std::vector<double> seconds;
  const Clock::time_point begin = Clock::now();
  for (int64_t step = 0; step < kWarmUp + kMostSteps; ++step) {
    const Clock::time_point start = Clock::now();
    trainer.step(loader.next(), 0);
    if (step >= kWarmUp) seconds.push_back(seconds_since(start));
    if (!seconds.empty() && seconds_since(begin) > kSeconds) break;
  }
  return {.steps = static_cast<int64_t>(seconds.size()),
          .step_seconds = median(seconds),
          .threads = at::get_num_threads(),
          .device = device.str()};
}

/// How often data of a content are worth looking at.
struct Enough {
  Content content;
  double epochs;
  int64_t steps;  ///< however few data there are
};
constexpr Enough kEnough[] = {
    {.content = Content::kImages, .epochs = 100, .steps = 1500},
    {.content = Content::kImageTuples, .epochs = 40, .steps = 1500},
    {.content = Content::kCaptions, .epochs = 60, .steps = 600},
    {.content = Content::kTexts, .epochs = 20, .steps = 1000},
};

int64_t enough_steps(const Plan& plan, Content content) {
  const auto* row = std::ranges::find(kEnough, content, &Enough::content);
  const double batches = static_cast<double>(plan.samples) / static_cast<double>(plan.batch);
  return std::max(row->steps, static_cast<int64_t>(std::llround(row->epochs * batches)));
}

std::string time_of(double seconds) {
  return seconds < 1 ? compact(std::round(seconds * 1e4) / 10) + " ms"
                     : compact(std::round(seconds * 10) / 10) + " s";
}

}  // namespace

Probe probe(run::RunConfig& config) {
  Probe found;
  run::run_on_ranks(config, [&](coordinator::RunContext& context) {
    found = take_steps(context, config);
    return kDone;
  });
  return found;
}

StepBudget budget_steps(const Plan& plan, const Probe& probe, Content content, double minutes) {
  const double evaluation = kForwardPart * probe.step_seconds * static_cast<double>(plan.samples_evaluate) /
                            static_cast<double>(plan.batch);
  const double seconds = kOfTheTime * 60 * minutes - static_cast<double>(kEvaluations) * evaluation;
  const auto fitting = std::max(kFewestSteps, static_cast<int64_t>(seconds / probe.step_seconds));
  const int64_t enough = enough_steps(plan, content), steps = std::min(fitting, enough);
  const std::string each = time_of(probe.step_seconds) + " a step";
  const double takes = static_cast<double>(steps) * probe.step_seconds / 60;
  StepBudget budget{.steps = steps, .reason = ""};
  if (steps == enough && enough < fitting)
    budget.reason =
        "enough for these data, in about " + compact(std::ceil(takes * 10) / 10) + " min at " + each;
  else
    budget.reason = "what " + compact(minutes) + " min allow at " + each +
                    ", measured here with one process and " + counted(probe.threads, "thread");
  return budget;
}

}  // namespace lodestone::init
