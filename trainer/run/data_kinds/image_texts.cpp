#include "common/paths.h"
#include "sampler/files/record_reader.h"
#include "sampler/sources/cached_dataset.h"
#include "sampler/sources/image_files.h"
#include "sampler/texts/image_text_examples.h"
#include "trainer/run/data_kind.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/data_kinds/text_data.h"

namespace lodestone::run {

namespace {

bool is_text_file(const std::string& path) {
  const sampler::RecordSyntax syntax = sampler::syntax_of(path);
  return syntax == sampler::RecordSyntax::kLines || syntax == sampler::RecordSyntax::kJsonLines;
}

/// data.kind: image_texts.
class ImageTexts : public DataKind {
 public:
  std::vector<SettingWithoutEffect> without_effect() const override {
    constexpr const char* kClasses = ": captioned images have no classes";
    return without_effect_for_texts({{"evaluate.one_shot_trials", kClasses},
                                     {"evaluate.headline", kClasses},
                                     {"source.class_filter", kClasses}});
  }
  void check(const RunConfig& config) const override {
    if (config.sampler->samples_are_labels()) return;
    throw ConfigError(
        "sampler.name: expected " + sampler::samplers_with(&sampler::SamplerFactory::samples_are_labels) +
        " for image_texts, whose views are an image and a caption, got " + config.sampler.name());
  }
  bool reads_images() const override { return true; }
  bool reads_texts() const override { return true; }
  Unit unit(const DataConfig&) const override { return {"pairs", 2}; }
  const char* samples() const override { return "images with captions"; }
  bool has_classes(const DataConfig&) const override { return false; }
  // File names of images carry no meaning, and captions may legitimately be common to both.
  SameBy same_by(const RunConfig&) const override { return SameBy::kNothing; }

  encoders::InputShape input_shape(const RunConfig& config) const override {
    encoders::InputShape shape = image_shape(config.data);
    add_tokens(shape, config.data);
    return shape;
  }

  TrainingData open_training(const RunConfig& config) const override {
    if (config.data.text.bucket_window > 1)
      throw ConfigError(
          "data.text.bucket_window: captions are drawn again in each epoch; leave it out for image_texts");
    const auto seed = static_cast<uint64_t>(config.seed);
    const sampler::ImageTransform transform(config.data.image, seed);
    sampler::ImageTextSet set =
        open_image_text_split(config, config.data.train, config.data.text.layout, transform);
    set.images = sampler::cached(set.images, config.data.loader.cache_mib << 20);
    TrainingData data;
    data.texts = set.captions;
    data.sampler = sampler::make_sampler(config.sampler, set.images, {}, config.global_batch, seed);
    data.examples = std::make_shared<sampler::ImageTextExamples>(std::move(set), transform,
                                                                 token_rule(config.data), seed);
    return data;
  }

  std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config) const override {
    return make_image_text_evaluator(config);
  }

  // Either of the two towers.
  Input open_input(const RunConfig& config, const std::string& path) const override {
    if (path.empty()) return open_captioned_input(config, path);
    if (is_text_file(path)) return open_text_input(config, path);
    if (is_folder(path) || sampler::has_image_ending(path)) return open_image_input(config, path);
    try {
      return open_captioned_input(config, path);
    } catch (const DataError&) {
      // Shards and lists need no captions for their images to be embedded.
      try {
        return open_image_input(config, path);
      } catch (const DataError&) {
      }
      throw;
    }
  }
};

}  // namespace

std::unique_ptr<DataKind> make_image_texts() {
  return std::make_unique<ImageTexts>();
}

}  // namespace lodestone::run
