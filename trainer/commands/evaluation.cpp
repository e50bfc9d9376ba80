#include "trainer/commands/evaluation.h"

#include "trainer/eval/sheet.h"

namespace lodestone {

std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config) {
  if (config.evaluate.data.empty())
    throw ConfigError(
        "evaluate.data.path: expected data to judge the model on, got nothing; set it in the "
        "configuration or by --set evaluate.data.path=…");
  if (config.data.kind == "texts") return make_text_evaluator(config);
  return config.data.kind == "image_texts" ? make_image_text_evaluator(config) : make_image_evaluator(config);
}

Likeness likeness_of(const RunConfig& config) {
  return config.normalize ? Likeness::kCosine : Likeness::kL2;
}

Sheet sheet_of(const RunConfig& config, const Embedded& embedded,
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
  return {rows(plan.sample), rows(plan.worst)};
}

}  // namespace lodestone
