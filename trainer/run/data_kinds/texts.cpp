#include "sampler/samplers/length_buckets.h"
#include "sampler/samplers/row_sampler.h"
#include "sampler/texts/text_examples.h"
#include "trainer/run/data_kind.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/data_kinds/text_data.h"

namespace lodestone::run {

namespace {

/// Number of consecutive rows of a batch that belong together.
int64_t unit_of(const RunConfig& config, const sampler::TextSet& set) {
  return set.row_is_unit || !set.tuples.empty() ? set.texts_per_row : config.sampler->unit();
}

void check_scores(const sampler::TextSet& set) {
  if (!set.scores.empty())
    throw ConfigError(
        "data.text: expected 0 or 1 as the label of a pair to train on, got grades; set "
        "data.text.same_from to the grade from which two texts are the same");
}

std::shared_ptr<const sampler::IndexSampler> sampler_of(const RunConfig& config, const sampler::TextSet& set,
                                                        uint64_t seed) {
  if (set.row_is_unit)
    return std::make_shared<sampler::RowSampler>(set.texts, set.texts_per_row, config.global_batch, seed);
  return sampler::make_sampler(config.sampler, set.texts, set.tuples, config.global_batch, seed);
}

/// data.kind: texts.
class Texts : public DataKind {
 public:
  std::vector<SettingWithoutEffect> without_effect() const override {
    constexpr const char* kShards = ": it is of shards";
    return without_effect_for_texts({{"data.image"},
                                     {"data.loader.cache_mib", ": it keeps decoded images"},
                                     {"source.skip_incomplete", kShards},
                                     {"source.index_cache", kShards}});
  }
  bool reads_images() const override { return false; }
  bool reads_texts() const override { return true; }
  Unit unit(const DataConfig& data) const override {
    switch (data.text.layout.format) {
      case sampler::TextFormat::kPairs:
        return {"pairs", 2};
      case sampler::TextFormat::kTriplets:
        return {"triplets", 3};
      default:
        return {"texts", 1};
    }
  }
  const char* samples() const override { return "texts"; }
  const char* row_setting(const DataConfig& data) const override {
    const sampler::TextFormat format = data.text.layout.format;
    return format == sampler::TextFormat::kPairs || format == sampler::TextFormat::kTriplets ||
                   format == sampler::TextFormat::kQueries
               ? "data.text.format"
               : "";
  }
  bool gives_tuples(const DataConfig& data) const override {
    return data.text.layout.format == sampler::TextFormat::kTriplets;
  }
  bool has_classes(const DataConfig& data) const override { return *row_setting(data) == '\0'; }
  // Other rows have no class names except their line number, so their texts identify them.
  bool has_class_names(const sampler::TextLayout& layout) const override {
    return layout.format == sampler::TextFormat::kLabels;
  }
  SameBy same_by(const RunConfig& config) const override {
    const bool classes = has_class_names(config.data.text.layout) && has_class_names(config.evaluate.text);
    return classes ? SameBy::kClass : SameBy::kSample;
  }

  encoders::InputShape input_shape(const RunConfig& config) const override {
    encoders::InputShape shape;
    add_tokens(shape, config.data);
    return shape;
  }

  TrainingData open_training(const RunConfig& config) const override {
    const auto seed = static_cast<uint64_t>(config.seed);
    const sampler::TextSet set = open_text_split(config, config.data.train, config.data.text.layout);
    check_scores(set);
    TrainingData data;
    data.examples = std::make_shared<sampler::TextExamples>(set.texts, token_rule(config.data));
    data.texts = set.texts;
    data.tuples = set.tuples;
    if (set.row_is_unit) data.texts_per_row = set.texts_per_row;
    data.sampler = sampler_of(config, set, seed);
    if (config.data.text.bucket_window > 1)
      data.sampler = std::make_shared<sampler::LengthBuckets>(
          data.sampler, set.texts, [texts = set.texts](int64_t i) { return texts->bytes(i); },
          unit_of(config, set), config.data.text.bucket_window, seed);
    return data;
  }

  std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config) const override {
    return make_text_evaluator(config);
  }

  Input open_input(const RunConfig& config, const std::string& path) const override {
    return open_text_input(config, path);
  }
};

}  // namespace

std::unique_ptr<DataKind> make_texts() {
  return std::make_unique<Texts>();
}

}  // namespace lodestone::run
