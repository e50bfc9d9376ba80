#include "trainer/run/data_kinds/evaluation.h"

#include "trainer/eval/confusion.h"
#include "trainer/report/sheet.h"
#include "trainer/run/run_config.h"

namespace lodestone {

namespace {

ClassView class_view(const RunConfig& config, const Embedded& embedded, const Dataset& data,
                     const Judgement& model) {
  ClassView view;
  if (model.retrieval.queries.empty()) return view;
  for (const Confusion& one : most_confused(model.retrieval, embedded.labels, embedded.labels))
    view.confused.push_back({data.class_name(one.from), data.class_name(one.to), one.count, one.queries});
  view.projection = project_sample({embedded.z_ND, embedded.groups, embedded.labels}, likeness_of(config),
                                   static_cast<uint64_t>(config.seed));
  for (const int64_t label : view.projection.classes) view.projected.push_back(data.class_name(label));
  return view;
}

}  // namespace

std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config) {
  if (config.evaluate.data.empty())
    throw ConfigError(
        "evaluate.data.path: expected data to judge the model on, got nothing; set it in the "
        "configuration or by --set evaluate.data.path=…");
  return config.data.kind->make_evaluator(config);
}

Likeness likeness_of(const RunConfig& config) {
  return config.normalize ? Likeness::kCosine : Likeness::kL2;
}

JudgeOptions judge_options(const RunConfig& config, const EvaluationOptions& options) {
  JudgeOptions judging;
  judging.retrieval.likeness = likeness_of(config);
  if (options.with_report) judging.retrieval.depth = kRecallDepth;
  judging.bootstrap.resamples = options.resamples;
  judging.bootstrap.seed = static_cast<uint64_t>(config.seed);
  return judging;
}

Sheet sheet_of(const RunConfig& config, const Embedded& embedded, const Dataset& data, const Judgement& model,
               const std::function<SheetPicture(int64_t sample)>& shown) {
  SheetOptions options;
  options.likeness = likeness_of(config);
  options.seed = static_cast<uint64_t>(config.seed);
  const SheetPlan plan = plan_sheet({embedded.z_ND, embedded.groups}, options);
  const auto picture = [&](int64_t row) { return shown(embedded.indices[static_cast<size_t>(row)]); };
  const auto rows = [&](const std::vector<SheetQuery>& queries) {
    std::vector<SheetRow> all;
    for (const auto& query : queries) {
      SheetRow row{picture(query.query), {}};
      for (const auto& neighbour : query.nearest)
        row.neighbours.push_back({picture(neighbour.index), neighbour.relevant, neighbour.score});
      all.push_back(std::move(row));
    }
    return all;
  };
  return {rows(plan.sample), rows(plan.worst), class_view(config, embedded, data, model)};
}

}  // namespace lodestone
