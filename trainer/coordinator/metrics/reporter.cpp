#include "trainer/coordinator/metrics/reporter.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <utility>

#include "common/counted.h"
#include "common/files.h"
#include "common/log_format.h"
#include "distributed/group_watch.h"
#include "distributed/reductions/gather_texts.h"
#include "trainer/coordinator/checkpoints/save_request.h"
#include "trainer/coordinator/metrics/event_file.h"
#include "trainer/coordinator/metrics/live_pages.h"
#include "trainer/coordinator/metrics/metrics_log.h"
#include "trainer/coordinator/metrics/progress.h"
#include "trainer/coordinator/metrics/sample_view.h"
#include "trainer/coordinator/metrics/scrape_targets.h"
#include "trainer/coordinator/warn.h"
#include "trainer/engine/health.h"
#include "trainer/engine/still_watch.h"

namespace lodestone::coordinator {

namespace {

RunInfo run_info(const RunContext& context, const RunFolder& folder, const RunStart& start) {
  RunInfo info;
  info.run = folder.name();
  info.config_hash = checksum(start.config);
  info.backend = context.world.backend();
  info.world = context.world.size();
  info.rank = context.world.rank();
  info.generation = context.launch.info().generation;
  info.restarts = std::max(info.generation, start.restarts);
  info.first_step = start.step;
  info.steps_planned = start.steps_planned;
  for (const auto& parameter : start.objective.loss.parameters())
    info.loss_parameters.push_back(parameter.name);
  return info;
}

std::vector<std::pair<std::string, std::string>> facts_of(const RunInfo& run, const RunStart& start) {
  auto facts = start.facts;
  facts.emplace_back("Backend", run.backend);
  facts.emplace_back("Configuration", run.config_hash);
  return facts;
}

std::vector<EventScalar> scalars_of(const engine::StepMetrics& metrics) {
  std::vector<EventScalar> scalars;
  const nlohmann::json line = to_json(metrics);
  for (const auto& [name, value] : line.items())
    if (value.is_number() && name != "step") scalars.push_back({"train/" + name, value.get<double>()});
  return scalars;
}

}  // namespace

/// The metrics of a rank and, if it serves them, its server.
struct Reporter::Endpoint {
  explicit Endpoint(const RunInfo& run) : info(run), metrics(run) {}

  RunInfo info;
  RunMetrics metrics;
  std::unique_ptr<LiveState> live;           // set on rank 0 only
  std::unique_ptr<http::HttpServer> server;  // last, since it reads the others
};

/// The run folder's files, which only rank 0 writes.
struct Reporter::MainRank {
  MainRank(const ReportConfig& config, const RunContext& context, const RunFolder& folder,
           const RunStart& start);

  MetricsLog log;
  std::unique_ptr<EventFile> events;
  Progress progress;
  engine::CollapseWatch collapse;
  engine::StillWatch still;
  std::string evaluation;  // the main metric of the last evaluation, and its step
  double step_seconds = 0;
  int64_t rows_per_unit;
};

ProgressStyle progress_style(const RunStart& start, const Log& log) {
  ProgressStyle style = ProgressStyle::for_stderr(log);
  style.unit = start.unit;
  return style;
}

Reporter::MainRank::MainRank(const ReportConfig& config, const RunContext& context, const RunFolder& folder,
                             const RunStart& start)
    : log(folder.metrics(), start.resumed_at.value_or(0), warn_to(context.log)),
      progress(std::cerr, start.step, start.steps_planned, progress_style(start, context.log)),
      rows_per_unit(start.rows_per_unit) {
  if (config.tensorboard())
    events = std::make_unique<EventFile>(folder.root() / "tensorboard", warn_to(context.log));
}

Reporter::Reporter(const CoordinatorConfig& config, RunContext& context, const RunFolder& folder,
                   const RunStart& start)
    : config_(config),
      context_(context),
      examples_(start.examples),
      objective_(start.objective),
      endpoint_(std::make_unique<Endpoint>(run_info(context, folder, start))) {
  config.report.check();
  if (context.is_main_rank()) {
    folder.prepare(start.config);
    main_rank_ = std::make_unique<MainRank>(config.report, context, folder, start);
  }
  endpoint_->metrics.checkpoints_every(config.checkpoint.every_steps, 60 * config.checkpoint.every_minutes);
  serve(start);
  if (!main_rank_) return;
  if (start.resumed_at) event(*start.resumed_at, "restart");
  context.log->info("{} ({}), {} parameters, run folder {}", counted(context.world.size(), "rank"),
                    context.world.backend(), start.parameters, folder.root().string());
}

Reporter::~Reporter() = default;

void Reporter::serve(const RunStart& start) {
  const MetricsConfig& metrics = config_.metrics;
  if (!metrics.serves()) return;
  Endpoint& own = *endpoint_;
  const int64_t port = *metrics.port + context_.world.local_rank();
  const Warn warn = warn_to(context_.log);
  std::vector<std::string> targets{scrape_target(metrics, port)};
  if (metrics.per_rank && !metrics.targets_file.empty())
    targets = distributed::gather_texts(context_.world, targets.front());
  if (main_rank_) {
    own.live = std::make_unique<LiveState>(own.info, start.step, start.steps_planned,
                                           facts_of(own.info, start), start.config);
    const std::function<void()> request = metrics.user.empty() ? nullptr : request_save;
    own.server = serve_pages(
        metrics, port,
        live_pages({own.metrics, *own.live, [this] { return ranks(); }, request}, metrics.shows_pages()),
        warn);
    const std::string place =
        (metrics.certificate.empty() ? "http://" : "https://") + scrape_target(metrics, port);
    if (metrics.shows_pages())
      context_.log->info("live page at {}/, metrics at /metrics", place);
    else
      context_.log->info(
          "metrics at {}/metrics; the live page, which shows images and the configuration, is served on "
          "loopback, or with metrics.user and metrics.password_file (metrics.pages)",
          place);
    if (!metrics.targets_file.empty()) write_scrape_targets(metrics, own.info.run, targets);
  } else if (metrics.per_rank) {
    try {
      own.server = serve_pages(metrics, port, rank_pages(own.metrics), warn);
    } catch (const ConfigError& error) {
      context_.log->warn("this rank serves no metrics: {}", error.what());
    }
  }
}

// Called by threads of the web server; the heartbeats need no lock of the reporter.
std::vector<RankState> Reporter::ranks() const {
  const auto seconds = [](std::chrono::milliseconds time) {
    return std::chrono::duration<double>(time).count();
  };
  std::vector<RankState> states;
  const auto control = context_.launch.control();
  if (!control) return states;
  for (const distributed::Peer& peer : control->peers())
    if (!peer.left)
      states.push_back(
          {peer.rank, peer.step, seconds(peer.silent), seconds(peer.lag), peer.place, peer.behind});
  return states;
}

void Reporter::step(const engine::StepMetrics& metrics, const sampler::Batch& batch, const at::Tensor& z_bD) {
  set_log_step(*context_.log, metrics.step);
  if (endpoint_->server) {
    endpoint_->metrics.step(metrics);
    endpoint_->metrics.traffic(context_.world.traffic(), distributed::collective_seconds(context_.world));
  }
  if (!main_rank_) return;
  main_rank_->log.train(metrics);
  if (main_rank_->events) main_rank_->events->add(metrics.step, scalars_of(metrics));
  if (const auto sentence = main_rank_->collapse.observe(metrics, objective_)) {
    context_.log->warn("{}", *sentence);
    endpoint_->metrics.collapse_seen();
    event(metrics.step, "collapse", {{"message", *sentence}});
  }
  if (const auto sentence = main_rank_->still.observe(metrics)) {
    context_.log->warn("{}", *sentence);
    event(metrics.step, "still", {{"message", *sentence}});
  }
  if (LiveState* live = endpoint_->live.get()) {
    live->step(metrics);
    if (live->wants_embeddings())
      live->embeddings(view_embeddings(*examples_, metrics.step, z_bD, batch.groups, batch.indices));
  }
  // The display is smoothed over about ten steps; metrics.jsonl has the values of each step.
  double& seconds = main_rank_->step_seconds;
  seconds = seconds > 0 ? 0.9 * seconds + 0.1 * metrics.step_seconds : metrics.step_seconds;
  const double units = static_cast<double>(metrics.samples) / static_cast<double>(main_rank_->rows_per_unit);
  main_rank_->progress.update({metrics.step, metrics.loss, units / seconds, main_rank_->evaluation});
}

void Reporter::bad_records(int64_t step, const std::vector<std::string>& messages, int64_t count) {
  if (!main_rank_) return;
  for (const std::string& message : messages) {
    context_.log->warn("skipped a bad record: {}", message);
    event(step, "bad_record", {{"message", message}, {"count", count}});
  }
}

void Reporter::evaluated(int64_t step, const eval::Evaluation& evaluation) {
  if (!main_rank_) return;
  nlohmann::json metrics = nlohmann::json::parse(to_json(evaluation.model.metrics));
  if (!evaluation.baseline.metrics.empty())
    metrics["floor"] = nlohmann::json::parse(to_json(evaluation.baseline.metrics));
  if (evaluation.left_out > 0) metrics["left_out"] = evaluation.left_out;
  main_rank_->log.eval(step, "evaluate", metrics);
  std::map<std::string, double> values;
  std::vector<EventScalar> scalars;
  for (const auto& [name, value] : evaluation.model.metrics.entries()) {
    values[name] = value;
    scalars.push_back({"evaluate/" + name, value});
  }
  if (main_rank_->events) main_rank_->events->add(step, scalars);
  endpoint_->metrics.evaluation(values);
  if (endpoint_->live) endpoint_->live->evaluation(step, values);
  const std::string at = "at step " + std::to_string(step);
  const eval::EvaluationResult& model = evaluation.model;
  main_rank_->progress.clear();
  if (const auto line = format_headline(model.subject, model.metrics, evaluation.baseline.metrics);
      !line.empty())
    context_.log->info("evaluated {}: {}", at, line);
  const auto shown = headline_of(model.subject, model.metrics);
  main_rank_->evaluation =
      shown.empty() ? ""
                    : std::string(shown.front().name) + " " +
                          format_metric(shown.front(), *model.metrics.find(shown.front().name)) + " " + at;
}

void Reporter::checkpoint_saved(int64_t step, const SavedCheckpoint& saved, double stall_seconds) {
  if (!main_rank_) return;
  endpoint_->metrics.checkpoint_saved(saved.seconds, saved.bytes);
  if (endpoint_->live) endpoint_->live->checkpoint(step, saved.seconds, saved.bytes);
  main_rank_->log.event(step, "checkpoint",
                        {{"path", saved.path.string()},
                         {"bytes", saved.bytes},
                         {"seconds", saved.seconds},
                         {"stall_seconds", stall_seconds}});
}

void Reporter::checkpoint_stalled(double seconds) {
  if (main_rank_) endpoint_->metrics.checkpoint_stalled(seconds);
}

void Reporter::checkpoint_failed(int64_t step, const std::string& reason) {
  if (!main_rank_) return;
  context_.log->error("checkpoint of step {} not saved: {}", step, reason);
  endpoint_->metrics.checkpoint_failed();
  if (endpoint_->live) endpoint_->live->checkpoint_failed(step, reason);
  main_rank_->log.event(step, "checkpoint_failed", {{"reason", reason}});
}

void Reporter::checkpoint_skipped(int64_t step, int64_t busy_with) {
  event(step, "checkpoint_skipped", {{"busy_with", busy_with}});
}

void Reporter::checkpoint_damaged(int64_t step, const std::string& message) {
  endpoint_->metrics.checkpoint_damaged();
  event(step, "checkpoint_damaged", {{"message", message}});
}

void Reporter::non_finite_step(int64_t step, const nlohmann::json& details) {
  endpoint_->metrics.non_finite_step();
  event(step, "non_finite", details);
}

void Reporter::event(int64_t step, const std::string& what, const nlohmann::json& details) {
  if (!main_rank_) return;
  main_rank_->log.event(step, what, details);
  if (endpoint_->live) endpoint_->live->notice(step, details.value("message", what));
}

void Reporter::mark_completed() {
  const MetricsConfig& metrics = config_.metrics;
  std::error_code gone;  // a file that stays causes an alert, not a failure of the run
  if (main_rank_ && metrics.serves() && !metrics.targets_file.empty())
    std::filesystem::remove(metrics.targets_file, gone);
}

void Reporter::end_progress() {
  if (main_rank_) main_rank_->progress.finish();
}

}  // namespace lodestone::coordinator
