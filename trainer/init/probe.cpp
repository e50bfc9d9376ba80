#include "trainer/init/probe.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>

#include "common/counted.h"
#include "common/error.h"
#include "common/exit_code.h"
#include "common/log.h"
#include "common/median.h"
#include "common/text_format.h"
#include "sampler/loader.h"
#include "trainer/engine/trainer.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/ranks.h"

namespace lodestone::init {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kWarmUp = 2, kMostSteps = 40;
constexpr double kSeconds = 6;
constexpr double kOfTheTime = 0.9;    // the rest is for the start, checkpoints and the report
constexpr double kForwardPart = 0.4;  // of a step: what embedding as many rows takes
constexpr int64_t kFewestSteps = 50;
constexpr double kSecondsEvaluated = 2;
constexpr int64_t kFewestLooked = 64, kMostLooked = 1500;  // samples of an evaluation that is timed
constexpr double kOfEvaluations = 0.25;                    // of the time
constexpr double kFewestEvaluated = 200, kFewestClasses = 4;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Evaluates a share of the configured data, which remains configured. Returns seconds.
double timed_evaluation(coordinator::RunContext& context, run::RunConfig& config, double share,
                        int64_t& samples) {
  sampler::DataPart& part = config.evaluate.data.part;
  part.to = part.from + share * (part.to - part.from);
  const auto evaluator = run::make_evaluator(config);
  samples = evaluator->dataset().size();
  const Clock::time_point start = Clock::now();
  evaluator->run(context, *config.encoder, {.with_report = true});
  return seconds_since(start);
}

// Of many samples, what a part and half of it take says how the time grows.
EvaluationCost time_evaluations(coordinator::RunContext& context, run::RunConfig& config, double per_row) {
  if (config.evaluate.data.empty()) return {};
  EvaluationCost cost{.samples = run::make_evaluator(config)->dataset().size(), .per_sample = per_row};
  const auto all = static_cast<double>(cost.samples);
  const double looked = std::clamp(kSecondsEvaluated / per_row, double{kFewestLooked}, double{kMostLooked});
  const sampler::DataPart whole = config.evaluate.data.part;
  int64_t few = 0, many = 0;
  if (all <= 2 * looked) {
    cost.per_sample = timed_evaluation(context, config, 1, many) / all;
    return cost;
  }
  try {
    const double of_few = timed_evaluation(context, config, looked / all / 2, few) / static_cast<double>(few);
    config.evaluate.data.part = whole;
    const double of_many = timed_evaluation(context, config, looked / all, many) / static_cast<double>(many);
    if (many > few) cost.per_square = std::max(0.0, (of_many - of_few) / static_cast<double>(many - few));
    cost.per_sample = std::max(0.0, of_many - cost.per_square * static_cast<double>(many));
  } catch (const DataError&) {  // a part without samples: the time of embedding alone is known
  }
  config.evaluate.data.part = whole;
  return cost;
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
  Probe found{.steps = static_cast<int64_t>(seconds.size()),
              .step_seconds = median(seconds),
              .threads = at::get_num_threads(),
              .device = device.str()};
  const Log log = std::exchange(context.log, silent_log());
  found.evaluation = time_evaluations(
      context, config, kForwardPart * found.step_seconds / static_cast<double>(config.global_batch));
  context.log = log;
  return found;
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

// As many evaluations as the time allows; if it allows none, one of a part of the data.
void fit_evaluations(const Plan& plan, const EvaluationCost& cost, double seconds, RunBudget& budget) {
  if (cost.samples == 0) return;
  budget.evaluations = kEvaluations;
  while (budget.evaluations > 1 && static_cast<double>(budget.evaluations) * cost.seconds(1) > seconds)
    budget.evaluations /= 2;
  if (cost.seconds(1) <= 2 * seconds) return;
  double least = std::min(1.0, kFewestEvaluated / static_cast<double>(cost.samples));
  if (plan.classes_evaluate > 0)
    least = std::min(1.0, std::max(least, kFewestClasses / static_cast<double>(plan.classes_evaluate)));
  while (budget.evaluated > least && cost.seconds(budget.evaluated) > seconds)
    budget.evaluated = std::max(least, 0.8 * budget.evaluated);
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

RunBudget budget_run(const Plan& plan, const Probe& probe, Content content, double minutes) {
  const double seconds = kOfTheTime * 60 * minutes;
  RunBudget budget;
  fit_evaluations(plan, probe.evaluation, kOfEvaluations * seconds, budget);
  const double evaluation = probe.evaluation.seconds(budget.evaluated);
  const double spent = static_cast<double>(budget.evaluations) * evaluation;
  const auto fitting = std::max<int64_t>(0, static_cast<int64_t>((seconds - spent) / probe.step_seconds));
  const int64_t enough = enough_steps(plan, content);
  budget.steps = std::min(std::max(fitting, kFewestSteps), enough);
  const double takes = (static_cast<double>(budget.steps) * probe.step_seconds + spent) / 60;
  const std::string about = "about " + compact(std::ceil(takes * 10) / 10) + " min";
  const std::string each =
      time_of(probe.step_seconds) + " a step" +
      (spent > 0 ? " and " + counted(budget.evaluations, "evaluation") + " of " + time_of(evaluation) : "");
  if (fitting < kFewestSteps)
    budget.reason = "the fewest that teach anything: " + compact(minutes) +
                    " min are too short for them, the run takes " + about + " at " + each;
  else if (enough <= fitting)
    budget.reason = "enough for these data, in " + about + " at " + each;
  else
    budget.reason = "what fits into " + compact(minutes) + " min at " + each +
                    ", measured here with one process and " + counted(probe.threads, "thread");
  return budget;
}

}  // namespace lodestone::init
