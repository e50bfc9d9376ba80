#include <filesystem>
#include <map>
#include <optional>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include "common/counted.h"
#include "sampler/codecs/thumbnail.h"
#include "sampler/image_examples.h"
#include "sampler/sources/image_files.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/eval/pixel_baseline.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/run_config.h"
#include "trainer/run/under_key.h"

namespace lodestone::run {

namespace {

constexpr int64_t kRows = 256;

/// The images of one-shot runs, each once, as rows.
class RunImages {
 public:
  RunImages(const sampler::ImageTransform& transform, const sampler::BadRecordConfig& bad_records)
      : transform_(transform), bad_records_(bad_records) {}

  /// The row of an image; nullopt if it cannot be read and bad records are skipped.
  std::optional<int64_t> row(const std::filesystem::path& path) {
    const auto [found, added] = rows_.try_emplace(path);
    if (added && read(path)) found->second = static_cast<int64_t>(images_.size()) - 1;
    return found->second;
  }

  at::Tensor pixels() const {
    sampler::check_bad_share(static_cast<int64_t>(bad_.size()), static_cast<int64_t>(rows_.size()),
                             bad_records_, bad_);
    if (images_.empty()) throw DataError("one-shot runs: expected images that can be read, got none");
    return at::stack(images_);
  }
  const std::vector<std::string>& bad() const { return bad_; }

 private:
  bool read(const std::filesystem::path& path) {
    const sampler::ImageTransformConfig& shape = transform_.config();
    at::Tensor x_CHW = at::empty({shape.channels, shape.height, shape.width});
    try {
      transform_.plain(sampler::read_image(path, transform_.decode_options()),
                       {x_CHW.mutable_data_ptr<float>(), static_cast<size_t>(transform_.numel())});
    } catch (const DataError& error) {
      if (!bad_records_.skips()) throw;
      bad_.push_back(explain(error));
      return false;
    }
    images_.push_back(std::move(x_CHW));
    return true;
  }

  const sampler::ImageTransform& transform_;
  const sampler::BadRecordConfig& bad_records_;
  std::map<std::filesystem::path, std::optional<int64_t>> rows_;
  std::vector<at::Tensor> images_;
  std::vector<std::string> bad_;
};

// The trials of a run as rows; nullopt if one of its images cannot be read.
std::optional<eval::OneShotTrial> trial_of_rows(const eval::OneShotFiles& trial, RunImages& images) {
  const auto query = images.row(trial.query);
  if (!query) return {};
  eval::OneShotTrial rows{*query, {}, trial.right};
  for (const auto& path : trial.candidates) {
    const auto candidate = images.row(path);
    if (!candidate) return {};
    rows.candidates.push_back(*candidate);
  }
  return rows;
}

at::Tensor encode(const coordinator::RunContext& context, encoders::Encoder& encoder,
                  const at::Tensor& x_NCHW) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> z;
  for (int64_t begin = 0; begin < x_NCHW.size(0); begin += kRows) {
    const int64_t size = std::min(kRows, x_NCHW.size(0) - begin);
    z.push_back(encoder.forward(x_NCHW.narrow(0, begin, size).to(context.launch.device()), {}).cpu());
  }
  return at::cat(z);
}

// The superclass: that of "Greek/character01" is Greek, the first folder of the class name.
std::vector<int64_t> superclasses(const sampler::ImageDataset& images, const std::vector<int64_t>& indices) {
  std::map<std::string, int64_t> numbers;
  std::vector<int64_t> all;
  for (const int64_t i : indices) {
    const std::string name = images.class_name(images.label(i));
    const auto slash = name.find('/');
    const auto next = static_cast<int64_t>(numbers.size());
    all.push_back(
        numbers.emplace(slash == std::string::npos ? "" : name.substr(0, slash), next).first->second);
  }
  return all;
}

/// Images of classes: retrieval, verification and one-shot trials, compared with raw pixels as the baseline.
class ImageEvaluator : public Evaluator {
 public:
  explicit ImageEvaluator(const RunConfig& config)
      : config_(config), transform_(config.data.image, static_cast<uint64_t>(config.seed)) {
    images_ = under_key(key_of("evaluate.data", config.evaluate.data), [&] {
      return sampler::open_images(config.data.resolved(config.evaluate.data), transform_.decode_options(),
                                  config.data.loader.bad_records);
    });
    examples_ = std::make_shared<sampler::ImageExamples>(images_, transform_);
    bad_record_reporter_.emplace(images_->size(), config.data.loader.bad_records);
    // Checked here, so that a missing flag is reported before training, not after it.
    for (int64_t i = 0; i < images_->size(); ++i) {
      parts_.is_query_N.push_back(images_->is_query(i));
      parts_.is_gallery_N.push_back(images_->is_gallery(i));
    }
  }

  const char* baseline_name() const override { return "Pixels"; }
  const sampler::Dataset& dataset() const override { return *images_; }
  std::string evaluated() const override {
    return eval::with_thousands(images_->size()) + " images of " + eval::with_thousands(images_->classes()) +
           " classes";
  }
  Sheet sheet(const eval::EvaluationResult& model) const override {
    return sheet_of(config_, embedded_, *images_, model, [this](int64_t sample) {
      return report::SheetImage{sampler::page_png(images_->get(sample)),
                                images_->class_name(images_->label(sample))};
    });
  }

 private:
  eval::Evaluation evaluate(const coordinator::RunContext& context, encoders::Encoder& encoder,
                            const EvaluationOptions& asked) override;
  eval::EvaluationResult evaluate_embedded(const coordinator::RunContext& context, const at::Tensor& x_ND,
                                           const eval::MetricOptions& options) const;
  std::vector<eval::OneShotFiles> read_runs(const coordinator::RunContext& context, bool pixels) const;
  void add_one_shot_files(const coordinator::RunContext& context, encoders::Encoder& encoder, bool pixels,
                          const eval::MetricOptions& options, eval::EvaluationResult& result) const;
  void add_one_shot(const coordinator::RunContext& context, encoders::Encoder& encoder,
                    const at::Tensor& x_ND, bool pixels, const eval::MetricOptions& options,
                    eval::EvaluationResult& result) const;

  const RunConfig& config_;
  sampler::ImageTransform transform_;
  std::shared_ptr<const sampler::ImageDataset> images_;
  eval::RetrievalParts parts_;  // rows of all samples
  std::shared_ptr<const sampler::Examples> examples_;
  std::optional<BadRecordReporter> bad_record_reporter_;
  engine::Embedded embedded_;
};

// If the data says which samples are queries and which are references, retrieval uses
// that; the rest uses all pairs.
eval::EvaluationResult ImageEvaluator::evaluate_embedded(const coordinator::RunContext& context,
                                                         const at::Tensor& x_ND,
                                                         const eval::MetricOptions& options) const {
  const eval::LabelledRows rows{x_ND, embedded_.groups, embedded_.labels};
  eval::RetrievalParts parts;
  for (const int64_t i : embedded_.indices) {
    parts.is_query_N.push_back(parts_.is_query_N.at(static_cast<size_t>(i)));
    parts.is_gallery_N.push_back(parts_.is_gallery_N.at(static_cast<size_t>(i)));
  }
  return eval::evaluate_rows(rows, options, parts.all() ? nullptr : &parts, context.world);
}

eval::Evaluation ImageEvaluator::evaluate(const coordinator::RunContext& context, encoders::Encoder& encoder,
                                          const EvaluationOptions& asked) {
  const bool baseline = asked.with_report && config_.evaluate.baseline;
  embedded_ = embed_readable(context, "evaluation", encoder, context.launch.device(), examples_,
                             config_.data.loader, *bad_record_reporter_, baseline);
  eval::Evaluation result;
  result.left_out = embedded_.left_out;
  const eval::MetricOptions options = metric_options(config_, asked);
  result.model = evaluate_embedded(context, embedded_.z_ND, options);
  result.model.subject = config_.evaluate.subject_of_classes(config_.gives_tuples());
  if (context.is_main_rank()) add_one_shot(context, encoder, embedded_.z_ND, false, options, result.model);
  if (baseline) {
    eval::MetricOptions pixels;
    pixels.retrieval.similarity = eval::Similarity::kL2;
    pixels.retrieval.depth = kRecallDepth;
    const at::Tensor x_ND = eval::pixel_rows(embedded_.x_NCHW);
    result.baseline = evaluate_embedded(context, x_ND, pixels);
    if (context.is_main_rank()) add_one_shot(context, encoder, x_ND, true, pixels, result.baseline);
  }
  return result;
}

// Lines that contain no trial are treated like bad records.
std::vector<eval::OneShotFiles> ImageEvaluator::read_runs(const coordinator::RunContext& context,
                                                          bool pixels) const {
  constexpr size_t kMessages = 20;
  const sampler::BadRecordConfig& bad_records = config_.data.loader.bad_records;
  int64_t bad = 0;
  std::vector<std::string> messages;
  auto files = eval::read_one_shot_runs(config_.data.resolved(config_.evaluate.one_shot_runs),
                                        [&](const DataError& error) {
                                          if (!bad_records.skips()) throw error;
                                          if (++bad; messages.size() < kMessages)
                                            messages.emplace_back(error.what());
                                        });
  sampler::check_bad_share(bad, bad + static_cast<int64_t>(files.size()), bad_records, messages);
  if (!pixels && bad > 0)
    context.log->warn("evaluation: {} of one-shot runs left out (on_bad_record: skip); the first: {}",
                      counted(bad, "line"), messages.front());
  return files;
}

void ImageEvaluator::add_one_shot_files(const coordinator::RunContext& context, encoders::Encoder& encoder,
                                        bool pixels, const eval::MetricOptions& options,
                                        eval::EvaluationResult& result) const {
  const auto files = read_runs(context, pixels);
  RunImages images(transform_, config_.data.loader.bad_records);
  std::vector<eval::OneShotTrial> trials;
  for (const auto& trial : files)
    if (auto rows = trial_of_rows(trial, images)) trials.push_back(std::move(*rows));
  const at::Tensor x_NCHW = images.pixels();
  if (!pixels && trials.size() < files.size())
    context.log->warn("evaluation: {} of {} one-shot trials are left out for {} bad images; the first: {}",
                      files.size() - trials.size(), files.size(), images.bad().size(), images.bad().front());
  const eval::ComparableRows compared(pixels ? eval::pixel_rows(x_NCHW) : encode(context, encoder, x_NCHW),
                                      options.retrieval.similarity);
  eval::evaluate_trials("one_shot_accuracy", eval::compare_rows(compared, {}), trials, options, result);
}

void ImageEvaluator::add_one_shot(const coordinator::RunContext& context, encoders::Encoder& encoder,
                                  const at::Tensor& x_ND, bool pixels, const eval::MetricOptions& options,
                                  eval::EvaluationResult& result) const {
  const EvaluateConfig& evaluate = config_.evaluate;
  if (!evaluate.one_shot_runs.empty()) {
    add_one_shot_files(context, encoder, pixels, options, result);
  } else if (evaluate.one_shot_trials > 0) {
    const std::vector<int64_t> within =
        evaluate.one_shot_within ? superclasses(*images_, embedded_.indices) : std::vector<int64_t>{};
    const auto trials = eval::draw_one_shot_trials(
        embedded_.groups, within,
        {evaluate.one_shot_ways, evaluate.one_shot_trials, static_cast<uint64_t>(config_.seed)});
    const eval::ComparableRows compared(x_ND, options.retrieval.similarity);
    eval::evaluate_trials("one_shot_accuracy", eval::compare_rows(compared, {}), trials, options, result);
  }
}

}  // namespace

std::unique_ptr<Evaluator> make_image_evaluator(const RunConfig& config) {
  return std::make_unique<ImageEvaluator>(config);
}

}  // namespace lodestone::run
