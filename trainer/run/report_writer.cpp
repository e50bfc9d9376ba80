#include "trainer/run/report_writer.h"

#include <algorithm>

#include "common/files.h"
#include "common/output_file.h"
#include "trainer/coordinator/metrics/metrics_log.h"
#include "trainer/report/report.h"

namespace lodestone::run {

namespace {

/// Some metrics of the lines of one kind.
struct Curves {
  std::string kind;
  std::vector<report::ReportSeries> series;

  Curves(std::string of, const std::vector<std::string>& names) : kind(std::move(of)) {
    for (const auto& name : names) series.push_back({name, {}, {}});
  }
  void add(const nlohmann::json& line) {
    if (line.value("kind", "") != kind) return;
    for (auto& one : series) {
      const auto found = line.find(one.name);
      if (found == line.end() || !found->is_number()) continue;
      one.steps.push_back(line.value("step", 0.0));
      one.values.push_back(found->get<double>());
    }
  }
  std::vector<report::ReportSeries> filled() && {
    std::erase_if(series, [](const report::ReportSeries& one) { return one.steps.empty(); });
    return std::move(series);
  }
};

report::ReportInput input_of(const ReportHead& head, RunConfig& config, encoders::Encoder& encoder,
                             const Evaluator& evaluator, const eval::Evaluation& evaluation) {
  std::vector<std::string> followed;
  for (const eval::Metric& metric : eval::followed_metrics()) followed.emplace_back(metric.name);
  Curves train("train", {"loss", "learning_rate"}), eval("eval", followed);
  if (!head.metrics.empty())
    coordinator::read_metrics(head.metrics, [&](const nlohmann::json& line) {
      train.add(line);
      eval.add(line);
    });
  report::ReportInput input;
  input.run_name = head.name;
  input.summary = config.evaluate.summary;
  input.facts = {{"Encoder", config.encoder.name()},
                 {"Parameters", eval::with_thousands(encoder.parameters().count())},
                 {"Loss", config.loss.name()},
                 {"Miner", config.miner.name()},
                 {"Steps", eval::with_thousands(config.training.schedule.steps)},
                 {"Global batch", eval::with_thousands(config.global_batch)},
                 {"Ranks", eval::with_thousands(head.ranks)},
                 {"Evaluated", evaluator.evaluated()}};
  input.config_yaml = write_yaml([&](Fields& f) { config.visit(f); });
  input.train = std::move(train).filled();
  input.eval = std::move(eval).filled();
  input.subject = evaluation.model.subject;
  input.model = evaluation.model.metrics;
  input.baseline = evaluation.baseline.metrics;
  input.roc = evaluation.model.roc;
  input.baseline_roc = evaluation.baseline.roc;
  input.distances = evaluation.model.distances;
  input.intervals = evaluation.model.intervals;
  input.recall_curve = evaluation.model.retrieval.recall_curve(kRecallDepth);
  input.baseline_recall_curve = evaluation.baseline.retrieval.recall_curve(kRecallDepth);
  input.baseline_name = evaluator.baseline_name();
  Sheet sheet = evaluator.sheet(evaluation.model);
  input.sample = std::move(sheet.sample);
  input.worst = std::move(sheet.worst);
  input.pairs = std::move(sheet.pairs);
  input.classes = std::move(sheet.classes);
  return input;
}

}  // namespace

void write_run_report(const coordinator::RunFolder& folder, int64_t ranks, RunConfig& config,
                      const coordinator::RunContext& context, encoders::Encoder& encoder,
                      const Evaluator& evaluator, const eval::Evaluation& evaluation,
                      const std::function<void()>& before_writing) {
  try {
    const report::ReportInput input =
        input_of({folder.name(), folder.metrics(), ranks}, config, encoder, evaluator, evaluation);
    if (before_writing) before_writing();
    write_report(folder.report(), input);
    context.log->info("report: {}", folder.report().string());
  } catch (const std::exception& error) {  // also for a line of metrics.jsonl that another program wrote
    context.log->warn("the report is not written: {}", error.what());
  }
}

void write_report_file(const std::filesystem::path& file, const ReportHead& head, RunConfig& config,
                       const coordinator::RunContext& context, encoders::Encoder& encoder,
                       const Evaluator& evaluator, const eval::Evaluation& evaluation) {
  write_output(file, report::render_report(input_of(head, config, encoder, evaluator, evaluation)));
  context.log->info("report: {}", file.string());
}

}  // namespace lodestone::run
