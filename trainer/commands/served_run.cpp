#include "trainer/commands/served_run.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include "common/paths.h"
#include "sampler/texts/text_examples.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/metrics/metrics_log.h"
#include "trainer/eval/metric_table.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/data_kinds/texts_in_memory.h"
#include "trainer/run/run_config.h"

namespace lodestone::commands {

namespace {

constexpr size_t kMetrics = 4;

/// Embeds samples in memory as the model's evaluation embeds them from files.
/// Threads   as TrainedModel::embed
class SampleEncoder {
 public:
  explicit SampleEncoder(std::shared_ptr<run::TrainedModel> model) : model_(std::move(model)) {
    const run::RunConfig& config = model_->config();
    if (config.data.kind->reads_images())
      transform_.emplace(config.data.image, static_cast<uint64_t>(config.seed));
    if (config.data.kind->reads_texts()) rule_ = run::token_rule(config.data);
  }

  /// Preprocessing of images; nullopt if the model does not embed images.
  const std::optional<sampler::ImageTransform>& transform() const { return transform_; }

  at::Tensor embed(const std::vector<const serve::Sample*>& samples) {
    std::vector<const float*> images;
    std::vector<std::string> texts;
    std::vector<int64_t> image_rows, text_rows;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (const auto* values_CHW = std::get_if<std::vector<float>>(samples[i]))
        images.push_back(values_CHW->data()), image_rows.push_back(static_cast<int64_t>(i));
      else
        texts.push_back(std::get<std::string>(*samples[i])), text_rows.push_back(static_cast<int64_t>(i));
    }
    if (texts.empty()) return model_->embed(stacked(images));
    if (images.empty()) return model_->embed(tokens(std::move(texts)));
    at::Tensor z_nD =
        at::empty({static_cast<int64_t>(samples.size()), model_->config().encoder->output_dim()});
    put(z_nD, image_rows, stacked(images));
    put(z_nD, text_rows, tokens(std::move(texts)));
    return z_nD;
  }

 private:
  Features stacked(const std::vector<const float*>& images) const {
    const sampler::ImageTransformConfig& shape = transform_->config();
    at::Tensor x_nCHW = at::empty(
        {static_cast<int64_t>(images.size()), shape.channels, shape.height, shape.width}, at::kFloat);
    float* out = x_nCHW.mutable_data_ptr<float>();
    for (const float* values_CHW : images) out = std::copy_n(values_CHW, transform_->numel(), out);
    return x_nCHW;
  }
  Features tokens(std::vector<std::string> texts) const {
    const auto rows = static_cast<int64_t>(texts.size());
    const sampler::TextExamples examples(std::make_shared<run::TextsInMemory>(std::move(texts)), rule_);
    const auto builder = examples.builder(rows);
    for (int64_t i = 0; i < rows; ++i) builder->add(i, {});
    return builder->finish();
  }
  void put(at::Tensor& z_nD, const std::vector<int64_t>& rows, const Features& features) {
    z_nD.index_copy_(0, at::tensor(rows, at::kLong), model_->embed(features));
  }

  const std::shared_ptr<run::TrainedModel> model_;
  std::optional<sampler::ImageTransform> transform_;
  sampler::TokenRule rule_;
};

// The first metrics of `table` that the evaluation has.
std::vector<serve::ServedMetric> shown(const nlohmann::json& evaluation,
                                       const std::vector<eval::Metric>& table) {
  std::vector<serve::ServedMetric> all;
  for (const eval::Metric& metric : table) {
    const auto value = evaluation.find(metric.name);
    if (all.size() < kMetrics && value != evaluation.end() && value->is_number())
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
  return shown(newest, eval::followed_metrics());
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
  const auto encoder = std::make_shared<SampleEncoder>(model);
  serve::ServedModel served;
  const auto run = model->run();
  served.run = model->name();
  served.kind = model->config().data.kind.name();
  served.images = encoder->transform();
  served.texts = model->config().data.kind->reads_texts();
  served.similarity = run::similarity_of(model->config());
  served.step = model->step();
  served.width = model->config().encoder->output_dim();
  served.calibration = model->calibration(*context.log);
  if (run) served.metrics = newest_metrics(*run, served.step);
  served.about = model->about("");
  served.embed = std::make_shared<const serve::Batcher::Forward>(
      [encoder](const auto& samples) { return encoder->embed(samples); });
  return std::make_shared<const serve::ServedModel>(std::move(served));
}

}  // namespace lodestone::commands
