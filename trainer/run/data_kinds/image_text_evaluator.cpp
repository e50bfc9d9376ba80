#include <algorithm>
#include <set>

#include <ATen/ops/stack.h>

#include "common/rng.h"
#include "sampler/codecs/thumbnail.h"
#include "sampler/image_examples.h"
#include "sampler/texts/text_examples.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

namespace {

constexpr int64_t kShown = 12, kNeighbours = 5;

engine::Embedded rows_with(const engine::Embedded& all, const std::set<int64_t>& labels) {
  engine::Embedded kept;
  std::vector<at::Tensor> rows;
  for (size_t row = 0; row < all.labels.size(); ++row) {
    if (!labels.contains(all.labels[row])) continue;
    rows.push_back(all.z_ND[static_cast<int64_t>(row)]);
    kept.labels.push_back(all.labels[row]);
    kept.groups.push_back(all.groups[row]);
    kept.indices.push_back(all.indices[row]);
  }
  if (!rows.empty()) kept.z_ND = at::stack(rows);
  return kept;
}

/// Images and all of their captions: retrieval of an image's captions among all captions, and of a caption's
/// image among all images.
class ImageTextEvaluator : public Evaluator {
 public:
  explicit ImageTextEvaluator(const RunConfig& config)
      : config_(config),
        transform_(config.data.image, static_cast<uint64_t>(config.seed)),
        set_(open_image_text_split(config, config.evaluate.data, config.evaluate.text, transform_)),
        images_(std::make_shared<sampler::ImageExamples>(set_.images, transform_)),
        captions_(std::make_shared<sampler::TextExamples>(set_.captions, token_rule(config.data))),
        bad_images_(set_.images->size(), config.data.loader.bad_records),
        bad_captions_(set_.captions->size(), config.data.loader.bad_records) {}

  const char* baseline_name() const override { return ""; }
  const sampler::Dataset& dataset() const override { return *set_.images; }
  std::string evaluated() const override {
    return eval::with_thousands(set_.images->size()) + " images with " +
           eval::with_thousands(set_.captions->size()) + " captions";
  }

  // Random images, determined by the seed, each with its nearest captions.
  Sheet sheet(const eval::EvaluationResult&) const override {
    std::vector<int64_t> order = Random(static_cast<uint64_t>(config_.seed), Purpose::kTrials, 6)
                                     .permutation(static_cast<int64_t>(seen_.labels.size()));
    order.resize(std::min<size_t>(order.size(), kShown));
    std::vector<at::Tensor> rows;
    std::vector<int64_t> labels;
    for (const int64_t row : order) {
      rows.push_back(seen_.z_ND[row]);
      labels.push_back(seen_.labels[static_cast<size_t>(row)]);
    }
    const eval::ComparableRows queries(at::stack(rows), similarity_of(config_)),
        gallery(said_.z_ND, similarity_of(config_));
    const auto nearest = eval::nearest_neighbours({queries, labels, gallery, said_.labels}, kNeighbours);
    Sheet sheet;
    for (size_t q = 0; q < order.size(); ++q) {
      report::SheetRow row{image(seen_.indices[static_cast<size_t>(order[q])]),
                           {},
                           std::count(said_.labels.begin(), said_.labels.end(), labels[q])};
      for (const eval::Neighbour& one : nearest[q])
        row.neighbours.push_back({{"", set_.captions->get(said_.indices[static_cast<size_t>(one.index)])},
                                  one.relevant,
                                  one.score});
      sheet.sample.push_back(std::move(row));
    }
    return sheet;
  }

 private:
  eval::Evaluation evaluate(const coordinator::RunContext& context, encoders::Encoder& encoder,
                            const EvaluationOptions& asked) override {
    const auto embedded = [&](const std::shared_ptr<const sampler::Examples>& examples,
                              BadRecordReporter& reporter) {
      return embed_readable(context, "evaluation", encoder, context.launch.device(), examples,
                            config_.data.loader, reporter);
    };
    seen_ = embedded(images_, bad_images_);
    said_ = embedded(captions_, bad_captions_);
    eval::Evaluation result;
    result.left_out = set_.bad + seen_.left_out + said_.left_out;
    keep_pairs();
    add("image_to_text_", context, seen_, said_, asked, result.model);
    add("text_to_image_", context, said_, seen_, asked, result.model);
    if (!context.is_main_rank()) return {};
    result.model.subject = eval::Subject::kCaptions;
    eval::Metrics& metrics = result.model.metrics;
    metrics.set("pictures", static_cast<double>(seen_.labels.size()));
    metrics.set("captions", static_cast<double>(said_.labels.size()));
    return result;
  }

  // An image whose captions cannot be read, or a caption without its image, has nothing to find.
  void keep_pairs() {
    if (seen_.left_out == 0 && said_.left_out == 0) return;
    const std::set<int64_t> seen(seen_.labels.begin(), seen_.labels.end());
    const std::set<int64_t> said(said_.labels.begin(), said_.labels.end());
    seen_ = rows_with(seen_, said);
    said_ = rows_with(said_, seen);
    if (seen_.labels.empty())
      throw DataError(
          "evaluation: expected an image with a caption, both readable, got none; repair the data");
  }

  void add(const std::string& prefix, const coordinator::RunContext& context, const engine::Embedded& queries,
           const engine::Embedded& gallery, const EvaluationOptions& asked,
           eval::EvaluationResult& result) const {
    const eval::MetricOptions options = metric_options(config_, asked);
    const eval::Retrieval found = eval::retrieve(eval::LabelledRows{queries.z_ND, queries.labels, {}},
                                                 eval::LabelledRows{gallery.z_ND, gallery.labels, {}},
                                                 options.retrieval, context.world);
    const eval::Metrics metrics = found.metrics();
    for (const auto& [name, value] : metrics.entries())
      if (name.starts_with("recall_at_")) result.metrics.set(prefix + name, value);
    if (asked.resamples == 0) return;
    for (const auto& [name, low, high] :
         eval::bootstrap_retrieval(found, eval::Bootstrap(queries.labels, options.bootstrap), context.world))
      if (name.starts_with("recall_at_")) result.intervals.push_back({prefix + name, low, high});
  }

  report::SheetImage image(int64_t sample) const {
    return {sampler::page_png(set_.images->get(sample)),
            set_.captions->get(set_.order[static_cast<size_t>(set_.first[static_cast<size_t>(sample)])])};
  }

  const RunConfig& config_;
  sampler::ImageTransform transform_;
  sampler::ImageTextSet set_;
  std::shared_ptr<const sampler::Examples> images_, captions_;
  BadRecordReporter bad_images_, bad_captions_;
  engine::Embedded seen_, said_;
};

}  // namespace

std::unique_ptr<Evaluator> make_image_text_evaluator(const RunConfig& config) {
  return std::make_unique<ImageTextEvaluator>(config);
}

}  // namespace lodestone::run
