#include "trainer/commands/report_writer.h"

#include <algorithm>

#include "trainer/coordinator/metrics_log.h"
#include "trainer/eval/report.h"

namespace lodestone {

namespace {

std::vector<ReportSeries> series_of(const std::vector<nlohmann::json>& lines, const std::string& kind,
                                    const std::vector<std::string>& names) {
  std::vector<ReportSeries> all;
  for (const auto& name : names) {
    ReportSeries series{name, {}, {}};
    for (const auto& line : lines) {
      if (line.value("kind", "") != kind || !line.contains(name) || !line[name].is_number()) continue;
      series.steps.push_back(line.value("step", 0.0));
      series.values.push_back(line[name].get<double>());
    }
    if (!series.steps.empty()) all.push_back(std::move(series));
  }
  return all;
}

// "12,345"
std::string grouped(int64_t value) {
  std::string digits = std::to_string(value);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

}  // namespace

void write_run_report(const RunFolder& folder, RunConfig& config, const Session& session, Encoder& encoder,
                      const Evaluator& evaluator, const Evaluation& evaluation) {
  const auto lines = read_metrics(folder.metrics());
  ReportInput input;
  input.run_name = folder.name();
  input.summary = config.evaluate.summary;
  input.facts = {{"Encoder", config.encoder.name()},
                 {"Parameters", grouped(encoder.parameters().count())},
                 {"Loss", config.loss.name()},
                 {"Miner", config.miner.name()},
                 {"Steps", grouped(config.training.schedule.steps)},
                 {"Global batch", grouped(config.global_batch)},
                 {"Ranks", grouped(session.world.size())},
                 {"Samples judged", grouped(evaluator.dataset().size())}};
  input.config_yaml = write_yaml([&](Fields& f) { config.visit(f); });
  input.train = series_of(lines, "train", {"loss", "learning_rate"});
  input.eval = series_of(lines, "eval", {"recall_at_1", "map_at_r", "eer"});
  input.model = evaluation.model.measures;
  input.floor = evaluation.floor.measures;
  input.roc = evaluation.model.roc;
  input.floor_roc = evaluation.floor.roc;
  input.distances = evaluation.model.distances;
  input.intervals = evaluation.model.intervals;
  input.recall_curve = evaluation.model.retrieval.recall_curve(kRecallDepth);
  input.floor_recall_curve = evaluation.floor.retrieval.recall_curve(kRecallDepth);
  input.floor_name = evaluator.floor_name();
  Sheet sheet = evaluator.sheet(evaluation.model);
  input.sample = std::move(sheet.sample);
  input.worst = std::move(sheet.worst);
  input.classes = std::move(sheet.classes);
  write_report(folder.report(), input);
}

}  // namespace lodestone
