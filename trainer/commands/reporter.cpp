#include "trainer/commands/reporter.h"

#include <iostream>
#include <map>
#include <utility>

#include "common/files.h"
#include "trainer/coordinator/metrics_log.h"
#include "trainer/coordinator/metrics_server.h"
#include "trainer/coordinator/progress.h"
#include "trainer/engine/health.h"

namespace lodestone {

/// What only rank 0 has: the run folder's files and the metrics endpoint.
struct Reporter::Lead {
  Lead(const RunConfig& config, const Session& session, const RunFolder& folder, const RunStart& start);

  RunLock lock;
  MetricsLog metrics;
  MetricsServer server;
  Progress progress;
  CollapseWatch collapse;
  std::optional<double> recall;
  double step_seconds = 0;
};

Reporter::Lead::Lead(const RunConfig& config, const Session& session, const RunFolder& folder, const RunStart& start)
    : lock(folder),
      metrics(folder.metrics(), start.resumed_at.value_or(0),
              [log = session.log](const std::string& sentence) { log->warn("{}", sentence); }),
      server(config.metrics, {folder.name(), checksum(start.config), session.world.backend(), session.world.size()}),
      progress(std::cerr, start.step, config.training.schedule.steps, ProgressStyle::for_stderr()) {}

Reporter::Reporter(const RunConfig& config, Session& session, const RunFolder& folder, const RunStart& start)
    : config_(config), session_(session) {
  if (!session.leads()) return;
  folder.prepare(start.config);
  lead_ = std::make_unique<Lead>(config, session, folder, start);
  if (lead_->server.port())
    session.log->info("metrics at http://{}:{}/metrics", config.metrics.address, lead_->server.port());
  if (start.resumed_at) lead_->metrics.event(*start.resumed_at, "restart");
  session.log->info("{} ranks ({}), {} samples of {} classes, {} parameters, run folder {}", session.world.size(),
                    session.world.backend(), start.samples, start.classes, config.encoder->parameters().count(),
                    folder.root().string());
}

Reporter::~Reporter() = default;

void Reporter::step(const StepMetrics& metrics) {
  if (!lead_) return;
  lead_->metrics.train(metrics);
  if (const auto sentence = lead_->collapse.look(metrics, config_.objective())) {
    session_.log->warn("{}", *sentence);
    lead_->metrics.event(metrics.step, "collapse", {{"message", *sentence}});
  }
  lead_->server.step(metrics);
  // What is shown is smoothed over some ten steps; metrics.jsonl has each step's own.
  double& seconds = lead_->step_seconds;
  seconds = seconds > 0 ? 0.9 * seconds + 0.1 * metrics.step_seconds : metrics.step_seconds;
  lead_->progress.update({metrics.step, metrics.loss, static_cast<double>(metrics.samples) / seconds, lead_->recall});
}

void Reporter::bad_records(const Loader& loader, int64_t step) {
  if (static_cast<size_t>(loader.bad_records()) == bad_records_told_) return;
  const auto messages = loader.bad_record_messages();
  for (; bad_records_told_ < messages.size(); ++bad_records_told_) {
    session_.log->warn("skipped a bad record: {}", messages[bad_records_told_]);
    event(step, "bad_record", {{"message", messages[bad_records_told_]}});
  }
}

void Reporter::evaluated(int64_t step, const Evaluation& evaluation) {
  if (!lead_) return;
  nlohmann::json measures = nlohmann::json::parse(to_json(evaluation.model.measures));
  if (!evaluation.floor.measures.empty())
    measures["floor"] = nlohmann::json::parse(to_json(evaluation.floor.measures));
  lead_->metrics.eval(step, "evaluate", measures);
  const auto& entries = evaluation.model.measures.entries();
  lead_->server.evaluation({entries.begin(), entries.end()});
  lead_->recall = evaluation.model.measures.find("recall_at_1");
}

void Reporter::checkpoint_saved(int64_t step, const SavedCheckpoint& saved, double stall_seconds) {
  if (!lead_) return;
  lead_->server.checkpoint_saved(saved.seconds, saved.bytes);
  event(step, "checkpoint",
        {{"path", saved.path.string()},
         {"bytes", saved.bytes},
         {"seconds", saved.seconds},
         {"stall_seconds", stall_seconds}});
}

void Reporter::checkpoint_failed(int64_t step, const std::string& reason) {
  if (!lead_) return;
  session_.log->error("checkpoint of step {} not saved: {}", step, reason);
  lead_->server.checkpoint_failed();
  event(step, "checkpoint_failed", {{"reason", reason}});
}

void Reporter::event(int64_t step, const std::string& what, const nlohmann::json& details) {
  if (lead_) lead_->metrics.event(step, what, details);
}

void Reporter::finish() {
  if (lead_) lead_->progress.finish();
}

}  // namespace lodestone
