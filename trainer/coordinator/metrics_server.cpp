#include "trainer/coordinator/metrics_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "trainer/coordinator/build_info.h"
#include "trainer/coordinator/metrics_endpoint.h"

namespace lodestone {

namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using prometheus::Registry;

// Ten bounds keep seven phases below a hundred series.
const Histogram::BucketBoundaries kStepBounds{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60};

// Measures of an evaluation that become gauges: few and fixed, so that the number of series is.
constexpr std::array<std::pair<const char*, const char*>, 3> kMeasures{
    {{"recall_at_1", "Share of queries of the last evaluation whose nearest neighbour is of their class."},
     {"map_at_r", "Mean average precision at R of the last evaluation."},
     {"eer", "Equal error rate of verification in the last evaluation."}}};

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Counter& counter(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter()
      .Name(std::string("lodestone_") + name)
      .Help(help)
      .Register(registry)
      .Add({});
}

Gauge& gauge(Registry& registry, const std::string& name, const char* help, const Labels& labels = {}) {
  return prometheus::BuildGauge().Name("lodestone_" + name).Help(help).Register(registry).Add(labels);
}

// A gauge that appears with its first value: before that, an alert on 0 or NaN would be false.
class LateGauge {
 public:
  LateGauge(Registry& registry, const std::string& name, const char* help)
      : family_(prometheus::BuildGauge().Name("lodestone_" + name).Help(help).Register(registry)) {}
  void set(double value, const Labels& labels = {}) { family_.Add(labels).Set(value); }

 private:
  prometheus::Family<Gauge>& family_;
};

}  // namespace

struct MetricsServer::Impl {
  explicit Impl(const RunInfo& run);

  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  Counter& steps;
  Counter& samples;
  Counter& data_wait;
  LateGauge batches_ready;
  LateGauge loss;
  LateGauge learning_rate;
  LateGauge gradient_norm;
  LateGauge epoch;
  LateGauge last_step;
  std::vector<Histogram*> phases;
  std::vector<LateGauge> health;
  LateGauge loss_parameter;
  std::map<std::string, LateGauge> measures;
  Counter& checkpoint_attempts;
  Counter& checkpoint_failures;
  LateGauge checkpoint_duration;
  LateGauge checkpoint_bytes;
  LateGauge checkpoint_last_success;
  std::optional<MetricsEndpoint> endpoint;
};

MetricsServer::Impl::Impl(const RunInfo& run)
    : steps(counter(*registry, "steps_total", "Training steps done since this process began.")),
      samples(counter(*registry, "samples_total",
                      "Samples trained on since this process began, over all ranks.")),
      data_wait(counter(*registry, "data_wait_seconds_total", "Seconds that steps waited for the loader.")),
      batches_ready(*registry, "batches_ready",
                    "Batches that lay ready when the last step asked for one; 0 again and again: data is the bottleneck."),
      loss(*registry, "loss", "Loss of the last step over the global batch."),
      learning_rate(*registry, "learning_rate", "Learning rate of the last step."),
      gradient_norm(*registry, "gradient_norm", "Norm of the whole gradient before clipping."),
      epoch(*registry, "epoch", "Epoch of the last step."),
      last_step(*registry, "last_step_timestamp_seconds", "When the last step ended, in seconds since 1970."),
      loss_parameter(*registry, "loss_parameter", "Numbers that the loss has learned, by name."),
      checkpoint_attempts(counter(*registry, "checkpoint_attempts_total", "Checkpoints tried to save.")),
      checkpoint_failures(
          counter(*registry, "checkpoint_failures_total", "Checkpoints that could not be saved.")),
      checkpoint_duration(*registry, "checkpoint_duration_seconds", "Seconds the last save took."),
      checkpoint_bytes(*registry, "checkpoint_size_bytes", "Bytes of the last checkpoint."),
      checkpoint_last_success(*registry, "checkpoint_last_success_timestamp_seconds",
                              "When the last checkpoint was safe on disk, in seconds since 1970.") {
  auto& durations = prometheus::BuildHistogram()
                        .Name("lodestone_step_duration_seconds")
                        .Help("Seconds of a step by phase; phases don't overlap.")
                        .Register(*registry);
  for (const auto& phase : kPhaseFields)
    phases.push_back(&durations.Add({{"phase", phase.name}}, kStepBounds));
  for (const auto& field : kHealthFields) health.emplace_back(*registry, field.name, field.help);
  for (const auto& [name, help] : kMeasures) measures.emplace(name, LateGauge(*registry, name, help));
  gauge(*registry, "world_size", "Ranks of the run.").Set(static_cast<double>(run.world));
  gauge(*registry, "build_info", "Versions; the value is 1.",
        {{"version", lodestone_version()}, {"libtorch", libtorch_version()}})
      .Set(1);
  gauge(*registry, "run_info", "What is running; the value is 1.",
        {{"run", run.run}, {"config_hash", run.config_hash}, {"backend", run.backend}})
      .Set(1);
}

MetricsServer::MetricsServer(const MetricsConfig& config, const RunInfo& run)
    : impl_(std::make_unique<Impl>(run)) {
  if (config.port.value_or(0) == 0) return;
  impl_->endpoint.emplace(config, impl_->registry);
}

MetricsServer::~MetricsServer() = default;

void MetricsServer::step(const StepMetrics& metrics) {
  impl_->steps.Increment();
  impl_->samples.Increment(static_cast<double>(metrics.samples));
  impl_->data_wait.Increment(std::max(metrics.phases.load, 0.0));
  if (metrics.batches_ready) impl_->batches_ready.set(static_cast<double>(*metrics.batches_ready));
  impl_->loss.set(metrics.loss);
  impl_->learning_rate.set(metrics.learning_rate);
  impl_->epoch.set(static_cast<double>(metrics.epoch));
  impl_->last_step.set(now_seconds());
  if (metrics.gradient_norm) impl_->gradient_norm.set(*metrics.gradient_norm);
  for (size_t i = 0; i < kPhaseFields.size(); ++i)
    impl_->phases[i]->Observe(metrics.phases.*kPhaseFields[i].member);
  for (size_t i = 0; i < kHealthFields.size(); ++i)
    if (const auto& value = metrics.health.*kHealthFields[i].member) impl_->health[i].set(*value);
  for (const auto& [name, value] : metrics.health.loss_parameters) impl_->loss_parameter.set(value, {{"name", name}});
}

void MetricsServer::evaluation(const std::map<std::string, double>& measures) {
  for (const auto& [name, value] : measures)
    if (const auto found = impl_->measures.find(name); found != impl_->measures.end())
      found->second.set(value);
}

void MetricsServer::checkpoint_saved(double seconds, uint64_t bytes) {
  impl_->checkpoint_attempts.Increment();
  impl_->checkpoint_duration.set(seconds);
  impl_->checkpoint_bytes.set(static_cast<double>(bytes));
  impl_->checkpoint_last_success.set(now_seconds());
}

void MetricsServer::checkpoint_failed() {
  impl_->checkpoint_attempts.Increment();
  impl_->checkpoint_failures.Increment();
}

int MetricsServer::port() const {
  return impl_->endpoint ? impl_->endpoint->port() : 0;
}

std::string MetricsServer::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry->Collect());
}

}  // namespace lodestone
