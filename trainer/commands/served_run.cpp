#include "trainer/commands/served_run.h"

#include <ctime>
#include <utility>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "common/paths.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/metrics/metrics_log.h"
#include "trainer/eval/headline.h"
#include "trainer/eval/metric_table.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/run_config.h"
#include "trainer/run/sample_encoder.h"

namespace lodestone::commands {

namespace {

// The first metrics that are followed and that the evaluation has.
std::vector<serve::ServedMetric> shown(const nlohmann::json& evaluation) {
  std::vector<serve::ServedMetric> all;
  for (const eval::Metric& metric : eval::followed_metrics()) {
    const auto value = evaluation.find(metric.name);
    if (all.size() < eval::kHeadlineFigures && value != evaluation.end() && value->is_number())
      all.push_back(
          {metric.name, metric.title, value->get<double>(), metric.kind == eval::Metric::Kind::kRate});
  }
  return all;
}

// Metrics of the newest evaluation up to the model's step; none if the run was never evaluated.
std::vector<serve::ServedMetric> newest_metrics(const coordinator::RunFolder& folder, int64_t step) {
  if (!path_exists(folder.metrics())) return {};
  nlohmann::json newest = nlohmann::json::object();
  coordinator::read_metrics(folder.metrics(), [&](nlohmann::json&& line) {
    const auto of = line.find("step");
    if (line.value("kind", nlohmann::json()) == "eval" && of != line.end() && of->is_number_integer() &&
        of->get<int64_t>() <= step)
      newest = std::move(line);
  });
  return shown(newest);
}

}  // namespace

// On a CPU each thread computes batches of its own: in a forward pass shared by all threads, all wait for the
// slowest at each layer, and threads that read requests delay all of them.
int64_t embedding_workers(const run::TrainedModel& model, const coordinator::RunContext& context) {
  const bool apart = context.launch.device().is_cpu() && model.config().encoder->concurrent();
  return apart ? at::get_num_threads() : 1;
}

std::shared_ptr<const serve::ServedModel> served_model(std::shared_ptr<run::TrainedModel> model,
                                                       const coordinator::RunContext& context,
                                                       int64_t workers) {
  if (workers > 1 && !model->config().encoder->concurrent())
    throw ConfigError(
        "serve: expected an encoder that several threads may use at once, as the one that is served, got "
        "another kind; restart the service");
  model->prepare(context);
  const auto encoder = std::make_shared<run::SampleEncoder>(model);
  serve::ServedModel served;
  const auto run = model->run();
  served.run = model->name();
  served.kind = model->config().data.kind.name();
  served.images = encoder->transform();
  served.texts = model->config().data.kind->reads_texts();
  served.similarity = run::similarity_of(model->config());
  served.step = model->step();
  served.tokens = encoder->text_rule();
  served.width = model->config().encoder->output_dim();
  served.unit_rows = model->config().normalize;
  served.loaded = std::time(nullptr);
  served.calibration = model->calibration(*context.log);
  if (run) served.metrics = newest_metrics(*run, served.step);
  served.about = model->about("");
  served.embed = std::make_shared<const serve::Batcher::Forward>(
      [encoder](const auto& samples) { return encoder->embed(samples); });
  return std::make_shared<const serve::ServedModel>(std::move(served));
}

}  // namespace lodestone::commands
