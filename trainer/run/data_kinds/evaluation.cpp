#include "trainer/run/data_kinds/evaluation.h"

#include "trainer/coordinator/run_context.h"
#include "trainer/eval/confusion.h"
#include "trainer/report/sheet.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

namespace {

report::ClassView class_view(const RunConfig& config, const engine::Embedded& embedded,
                             const sampler::Dataset& data, const eval::EvaluationResult& model) {
  report::ClassView view;
  if (model.retrieval.queries.empty() || !config.names_classes(config.evaluate.text)) return view;
  for (const eval::Confusion& one : eval::most_confused(model.retrieval, embedded.labels, embedded.labels))
    view.confused.push_back({data.class_name(one.from), data.class_name(one.to), one.count, one.queries});
  view.projection = eval::project_sample({embedded.z_ND, embedded.groups, embedded.labels},
                                         similarity_of(config), static_cast<uint64_t>(config.seed));
  for (const int64_t label : view.projection.classes) view.projected.push_back(data.class_name(label));
  return view;
}

}  // namespace

std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config) {
  if (config.evaluate.data.empty())
    throw ConfigError(
        "evaluate.data.path: expected data to evaluate the model on, got nothing; set it in the "
        "configuration or with --set evaluate.data.path=…");
  return config.data.kind->make_evaluator(config);
}

eval::Evaluation Evaluator::run(const coordinator::RunContext& context, encoders::Encoder& encoder,
                                const EvaluationOptions& options) {
  if (context.is_main_rank()) context.log->info("evaluating {}", evaluated());
  return evaluate(context, encoder, options);
}

eval::Similarity similarity_of(const RunConfig& config) {
  return config.normalize ? eval::Similarity::kCosine : eval::Similarity::kL2;
}

eval::MetricOptions metric_options(const RunConfig& config, const EvaluationOptions& options) {
  eval::MetricOptions metric_options;
  metric_options.retrieval.similarity = similarity_of(config);
  if (options.with_report) metric_options.retrieval.depth = kRecallDepth;
  metric_options.bootstrap.resamples = options.resamples;
  metric_options.bootstrap.seed = static_cast<uint64_t>(config.seed);
  metric_options.far = options.far;
  return metric_options;
}

Sheet sheet_of(const RunConfig& config, const engine::Embedded& embedded, const sampler::Dataset& data,
               const eval::EvaluationResult& model, const ShowSample& shown) {
  report::SheetOptions options;
  options.similarity = similarity_of(config);
  options.seed = static_cast<uint64_t>(config.seed);
  const report::SheetPlan plan = report::plan_sheet({embedded.z_ND, embedded.groups}, options);
  const auto image = [&](int64_t row) { return shown(embedded.indices[static_cast<size_t>(row)]); };
  const auto rows = [&](const std::vector<report::SheetQuery>& queries) {
    std::vector<report::SheetRow> all;
    for (const auto& query : queries) {
      report::SheetRow row{image(query.query), {}, query.relevant};
      for (const auto& neighbour : query.nearest)
        row.neighbours.push_back({image(neighbour.index), neighbour.relevant, neighbour.score});
      all.push_back(std::move(row));
    }
    return all;
  };
  return {rows(plan.sample), rows(plan.worst), pair_view(embedded, model, shown),
          class_view(config, embedded, data, model)};
}

report::PairView pair_view(const engine::Embedded& embedded, const eval::EvaluationResult& model,
                           const ShowSample& shown) {
  const auto image = [&](int64_t row) { return shown(embedded.indices[static_cast<size_t>(row)]); };
  const auto pairs = [&](const std::vector<eval::JudgedPair>& judged) {
    std::vector<report::ShownPair> all;
    for (const eval::JudgedPair& one : judged)
      all.push_back({image(one.pair.i), image(one.pair.j), one.score, one.grade});
    return all;
  };
  report::PairView view{
      model.worst.threshold, pairs(model.worst.accepts), pairs(model.worst.rejects), {}, {}};
  for (const eval::JudgedPair& one : model.graded) {
    view.grades.push_back(one.grade.value_or(0));
    view.scores.push_back(one.score);
  }
  return view;
}

}  // namespace lodestone::run
