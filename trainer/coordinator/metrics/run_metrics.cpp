#include "trainer/coordinator/metrics/run_metrics.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "trainer/coordinator/build_info.h"
#include "trainer/coordinator/metrics/traffic_fields.h"
#include "trainer/eval/metric_table.h"
#include "trainer/http/process_metrics.h"

namespace lodestone::coordinator {

namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using prometheus::Registry;

using SteadyClock = std::chrono::steady_clock;

// Eight buckets keep the seven phases below eighty series.
const Histogram::BucketBoundaries kStepBounds{0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10};
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kNever = std::numeric_limits<double>::infinity();

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

auto& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(std::string("lodestone_") + name).Help(help).Register(registry);
}

Counter& counter(Registry& registry, const char* name, const char* help) {
  return counters(registry, name, help).Add({});
}

Gauge& gauge(Registry& registry, const std::string& name, const char* help, double value = kUnknown,
             const Labels& labels = {}) {
  Gauge& made = prometheus::BuildGauge().Name("lodestone_" + name).Help(help).Register(registry).Add(labels);
  made.Set(value);
  return made;
}

/// A counter that follows a total computed elsewhere.
void follow(Counter& counter, double total) {
  if (total > counter.Value()) counter.Increment(total - counter.Value());
}

/// Metrics that every rank has.
struct RankSeries {
  explicit RankSeries(Registry& registry, const RunInfo& run);

  Counter &steps, &samples, &data_wait;
  Gauge &step, &planned, &eta, &batches_ready, &epoch, &last_step, &goodput;
  std::vector<Histogram*> phases;
  struct CollectiveCounters {
    Counter *calls, *bytes, *seconds;
  };
  std::vector<CollectiveCounters> operations;
};

RankSeries::RankSeries(Registry& registry, const RunInfo& run)
    : steps(counter(registry, "steps_total", "Training steps done since this process began.")),
      samples(
          counter(registry, "samples_total", "Samples trained on since this process began, over all ranks.")),
      data_wait(counter(registry, "data_wait_seconds_total",
                        "Seconds that steps of this rank waited for the loader.")),
      step(gauge(registry, "step", "The last step that was done, counted from the run's beginning.",
                 static_cast<double>(run.first_step))),
      planned(gauge(registry, "steps_planned", "Planned steps of the run.",
                    static_cast<double>(run.steps_planned))),
      eta(gauge(registry, "eta_seconds",
                "Seconds until the last step ends, at the pace of about the last hundred steps, including "
                "the time between steps.")),
      batches_ready(gauge(
          registry, "batches_ready",
          "Batches that were ready when the last step requested one; repeatedly 0: data is the bottleneck.")),
      epoch(gauge(registry, "epoch", "Epoch of the last step.")),
      last_step(
          gauge(registry, "last_step_timestamp_seconds", "When the last step ended, in seconds since 1970.")),
      goodput(gauge(
          registry, "goodput_ratio",
          "Share of the time since this process began that was spent in steps, without waiting for data.")) {
  auto& durations = prometheus::BuildHistogram()
                        .Name("lodestone_step_duration_seconds")
                        .Help("Seconds of a step by phase; phases don't overlap.")
                        .Register(registry);
  for (const auto& phase : engine::kPhaseFields)
    phases.push_back(&durations.Add({{"phase", phase.name}}, kStepBounds));
  auto& calls =
      counters(registry, "collective_calls_total", "Collectives that this rank took part in, by verb.");
  auto& bytes =
      counters(registry, "collective_sent_bytes_total", "Payload bytes that this rank sent, by verb.");
  auto& seconds = counters(registry, "collective_seconds_total",
                           "Seconds that this rank spent starting and awaiting collectives, by verb.");
  for (const auto& [name, member] : kTrafficFields)
    operations.push_back(
        {&calls.Add({{"verb", name}}), &bytes.Add({{"verb", name}}), &seconds.Add({{"verb", name}})});
  gauge(registry, "build_info", "Versions; the value is 1.", 1,
        {{"version", lodestone_version()}, {"libtorch", libtorch_version()}});
  gauge(registry, "run_info", "What is running; the value is 1.", 1,
        {{"run", run.run},
         {"config_hash", run.config_hash},
         {"backend", run.backend},
         {"rank", std::to_string(run.rank)}});
  gauge(registry, "generation", "Generation of the job, as its supervisor counts: 0 at first.",
        static_cast<double>(run.generation));
}

/// Seconds from the end of one step to the end of the next: the mean of all steps at first, then of about the
/// last hundred. Includes evaluations and saves between steps.
class Pace {
 public:
  void step() {
    const auto now = SteadyClock::now();
    if (last_) {
      const double seconds = std::chrono::duration<double>(now - *last_).count();
      mean_ += (seconds - mean_) / std::min<double>(static_cast<double>(++count_), 100);
    }
    last_ = now;
  }
  /// NaN before the second step.
  double seconds() const { return count_ > 0 ? mean_ : kUnknown; }

 private:
  std::optional<SteadyClock::time_point> last_;
  int64_t count_ = 0;
  double mean_ = 0;
};

/// Metrics that only rank 0 has.
struct RunSeries {
  RunSeries(Registry& registry, const RunInfo& run);

  void see(const std::vector<RankState>& states);

  Gauge &loss, &learning_rate, &gradient_norm, &loss_scale, &lag_steps, &lag_seconds, &most_behind,
      &ranks_reporting, &silence;
  Counter &restarts, &non_finite, &collapses;
  Counter &attempts, &failures, &damaged, &stall;
  Gauge &duration, &bytes, &last_success, &interval;
  std::vector<Gauge*> health;
  std::map<std::string, Gauge*> loss_parameters, metrics;
};

RunSeries::RunSeries(Registry& registry, const RunInfo& run)
    : loss(gauge(registry, "loss", "Loss of the last step over the global batch.")),
      learning_rate(gauge(registry, "learning_rate", "Learning rate of the last step.")),
      gradient_norm(gauge(registry, "gradient_norm", "Norm of the whole gradient before clipping.")),
      loss_scale(gauge(registry, "loss_scale", "Factor on the loss that keeps float16 gradients in range.")),
      lag_steps(gauge(registry, "rank_lag_steps",
                      "Steps that the rank farthest behind was behind at its last heartbeat.")),
      lag_seconds(gauge(registry, "rank_lag_seconds",
                        "Longest time that the other ranks have now waited for a rank in one collective.")),
      most_behind(gauge(registry, "rank_most_behind",
                        "The rank that is waited for longest, or else farthest behind.")),
      ranks_reporting(gauge(registry, "ranks_reporting", "Ranks with a current heartbeat.")),
      silence(gauge(registry, "rank_silence_seconds", "Longest time since the last heartbeat of a rank.")),
      restarts(counter(registry, "restarts_total", "Restarts of the run, counted over all its processes.")),
      non_finite(counter(registry, "non_finite_steps_total", "Steps whose loss or gradient was not finite.")),
      collapses(
          counter(registry, "collapses_total", "Number of times that all embeddings were nearly equal.")),
      attempts(counter(registry, "checkpoint_attempts_total", "Attempts to save a checkpoint.")),
      failures(counter(registry, "checkpoint_failures_total", "Checkpoints that could not be saved.")),
      damaged(counter(registry, "checkpoint_damaged_total", "Damaged checkpoints that loading skipped.")),
      stall(counter(registry, "checkpoint_stall_seconds_total",
                    "Seconds that training waited for checkpoints.")),
      duration(gauge(registry, "checkpoint_duration_seconds", "Seconds the last save took.")),
      bytes(gauge(registry, "checkpoint_size_bytes", "Bytes of the last checkpoint.")),
      last_success(gauge(
          registry, "checkpoint_last_success_timestamp_seconds",
          "When the last checkpoint was safe on disk, in seconds since 1970; before the first, when this "
          "process began.",
          now_seconds())),
      interval(gauge(registry, "checkpoint_interval_seconds",
                     "Planned time between two checkpoints, at the mean pace of the steps so far; NaN: none "
                     "are planned.")) {
  restarts.Increment(static_cast<double>(run.restarts));
  for (const auto& field : engine::kHealthFields) health.push_back(&gauge(registry, field.name, field.help));
  for (const auto& name : run.loss_parameters)
    loss_parameters[name] = &gauge(registry, "loss_parameter", "Learned parameters of the loss, by name.",
                                   kUnknown, {{"name", name}});
  for (const eval::Metric& metric : eval::followed_metrics()) {
    const std::string help = std::string(metric.title) + " of the last evaluation: " + metric.meaning + ".";
    metrics[metric.name] = &gauge(registry, metric.name, help.c_str());
  }
  gauge(registry, "world_size", "Ranks of the run.", static_cast<double>(run.world));
}

void RunSeries::see(const std::vector<RankState>& states) {
  if (states.empty()) return;
  const auto slowest = std::max_element(states.begin(), states.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.awaited_seconds, a.behind_steps) < std::tuple(b.awaited_seconds, b.behind_steps);
  });
  int64_t behind = 0;
  for (const auto& state : states) behind = std::max(behind, state.behind_steps);
  double silent = 0;
  for (const auto& state : states) silent = std::max(silent, state.silent_seconds);
  lag_steps.Set(static_cast<double>(behind));
  lag_seconds.Set(slowest->awaited_seconds);
  most_behind.Set(static_cast<double>(slowest->rank));
  ranks_reporting.Set(static_cast<double>(states.size()));
  silence.Set(silent);
}

}  // namespace

struct RunMetrics::Impl {
  explicit Impl(const RunInfo& info) : planned(info.steps_planned), process(registry), rank(registry, info) {
    if (info.rank == 0) run.emplace(registry, info);
  }

  double wall() const { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

  const int64_t planned;
  Registry registry;
  http::ProcessMetrics process;
  RankSeries rank;
  Pace pace;
  std::optional<RunSeries> run;
  SteadyClock::time_point start = SteadyClock::now();
  std::atomic<double> useful_seconds = 0;
  int64_t save_steps = 0;
  double save_seconds = 0;
};

RunMetrics::RunMetrics(const RunInfo& run) : impl_(std::make_unique<Impl>(run)) {}

RunMetrics::~RunMetrics() = default;

void RunMetrics::step(const engine::StepMetrics& metrics) {
  RankSeries& rank = impl_->rank;
  const double waited = std::max(metrics.phases.load, 0.0);
  rank.steps.Increment();
  rank.step.Set(static_cast<double>(metrics.step));
  impl_->pace.step();
  const int64_t left = std::max<int64_t>(impl_->planned - metrics.step, 0);
  rank.eta.Set(left == 0 ? 0 : static_cast<double>(left) * impl_->pace.seconds());
  rank.samples.Increment(static_cast<double>(metrics.samples));
  rank.data_wait.Increment(waited);
  if (metrics.batches_ready) rank.batches_ready.Set(static_cast<double>(*metrics.batches_ready));
  rank.epoch.Set(static_cast<double>(metrics.epoch));
  rank.last_step.Set(now_seconds());
  for (size_t i = 0; i < engine::kPhaseFields.size(); ++i)
    rank.phases[i]->Observe(metrics.phases.*engine::kPhaseFields[i].member);
  impl_->useful_seconds += std::max(metrics.step_seconds - waited, 0.0);
  if (!impl_->run) return;
  RunSeries& run = *impl_->run;
  if (impl_->save_steps > 0 || impl_->save_seconds > 0)
    run.interval.Set(std::min(
        impl_->save_steps > 0 ? static_cast<double>(impl_->save_steps) * impl_->wall() / rank.steps.Value()
                              : kNever,
        impl_->save_seconds > 0 ? impl_->save_seconds : kNever));
  run.loss.Set(metrics.loss);
  run.learning_rate.Set(metrics.learning_rate);
  run.gradient_norm.Set(metrics.gradient_norm.value_or(kUnknown));
  run.loss_scale.Set(metrics.loss_scale.value_or(kUnknown));
  for (size_t i = 0; i < engine::kHealthFields.size(); ++i)
    run.health[i]->Set((metrics.health.*engine::kHealthFields[i].member).value_or(kUnknown));
  for (const auto& [name, value] : metrics.health.loss_parameters)
    if (const auto found = run.loss_parameters.find(name); found != run.loss_parameters.end())
      found->second->Set(value);
}

void RunMetrics::traffic(const distributed::Traffic& traffic, const std::map<std::string, double>& seconds) {
  for (size_t i = 0; i < kTrafficFields.size(); ++i) {
    const distributed::CallTraffic& row = traffic.*kTrafficFields[i].member;
    follow(*impl_->rank.operations[i].calls, static_cast<double>(row.calls));
    follow(*impl_->rank.operations[i].bytes, static_cast<double>(row.bytes));
    if (const auto found = seconds.find(kTrafficFields[i].name); found != seconds.end())
      follow(*impl_->rank.operations[i].seconds, found->second);
  }
}

void RunMetrics::evaluation(const std::map<std::string, double>& metrics) {
  if (!impl_->run) return;
  for (const auto& [name, value] : metrics)
    if (const auto found = impl_->run->metrics.find(name); found != impl_->run->metrics.end())
      found->second->Set(value);
}

void RunMetrics::checkpoints_every(int64_t steps, double seconds) {
  impl_->save_steps = steps;
  impl_->save_seconds = seconds;
}

void RunMetrics::checkpoint_saved(double seconds, uint64_t bytes) {
  if (!impl_->run) return;
  impl_->run->attempts.Increment();
  impl_->run->duration.Set(seconds);
  impl_->run->bytes.Set(static_cast<double>(bytes));
  impl_->run->last_success.Set(now_seconds());
}

void RunMetrics::checkpoint_failed() {
  if (!impl_->run) return;
  impl_->run->attempts.Increment();
  impl_->run->failures.Increment();
}

void RunMetrics::checkpoint_stalled(double seconds) {
  if (impl_->run) impl_->run->stall.Increment(std::max(seconds, 0.0));
}

void RunMetrics::checkpoint_damaged() {
  if (impl_->run) impl_->run->damaged.Increment();
}

void RunMetrics::non_finite_step() {
  if (impl_->run) impl_->run->non_finite.Increment();
}

void RunMetrics::collapse_seen() {
  if (impl_->run) impl_->run->collapses.Increment();
}

bool RunMetrics::ready() const {
  return impl_->rank.steps.Value() > 0;
}

std::string RunMetrics::text(const std::vector<RankState>& ranks) const {
  impl_->rank.goodput.Set(std::min(impl_->useful_seconds / std::max(impl_->wall(), 1e-9), 1.0));
  impl_->process.update();
  if (impl_->run) impl_->run->see(ranks);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace lodestone::coordinator
