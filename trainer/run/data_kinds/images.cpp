#include <algorithm>
#include <iterator>

#include "sampler/image_examples.h"
#include "sampler/sources/tuple_part.h"
#include "trainer/run/data_kind.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/input.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/under_key.h"

namespace lodestone::run {

namespace {

std::shared_ptr<const sampler::ImageDataset> open_tuples(const RunConfig& config,
                                                         const sampler::DecodeOptions& decode,
                                                         TrainingData& data) {
  sampler::TupleSet set = under_key("data.tuples", [&] {
    return sampler::read_tuples(config.data.resolved(config.data.tuples), decode,
                                config.data.train.index_cache, config.data.loader.bad_records,
                                config.data.train.part);
  });
  data.left_out = std::move(set.messages);
  std::ranges::copy(set.left_out.sentences(), std::back_inserter(data.left_out));
  data.tuples = std::move(set.tuples);
  return set.images;
}

std::shared_ptr<const sampler::ImageDataset> open_classes(const RunConfig& config,
                                                          const sampler::DecodeOptions& decode) {
  return under_key(key_of("data.train", config.data.train), [&] {
    return sampler::open_images(config.data.resolved(config.data.train), decode,
                                config.data.loader.bad_records);
  });
}

/// data.kind: images.
class Images : public DataKind {
 public:
  std::vector<SettingWithoutEffect> without_effect() const override {
    constexpr const char* kWhy = ", or choose a data.kind that reads texts";
    return {{"data.text", kWhy}, {"evaluate.text", kWhy}};
  }
  bool reads_images() const override { return true; }
  bool reads_texts() const override { return false; }
  Unit unit(const DataConfig&) const override { return {"images", 1}; }
  const char* samples() const override { return "images"; }
  const char* row_setting(const DataConfig& data) const override {
    return data.tuples.empty() ? "" : "data.tuples";
  }
  bool gives_tuples(const DataConfig& data) const override { return !data.tuples.empty(); }
  bool has_classes(const DataConfig& data) const override { return data.tuples.empty(); }

  encoders::InputShape input_shape(const RunConfig& config) const override {
    return image_shape(config.data);
  }

  TrainingData open_training(const RunConfig& config) const override {
    const auto seed = static_cast<uint64_t>(config.seed);
    const sampler::ImageTransform transform(config.data.image, seed);
    TrainingData data;
    const auto images = config.data.tuples.empty() ? open_classes(config, transform.decode_options())
                                                   : open_tuples(config, transform.decode_options(), data);
    data.images =
        std::make_shared<sampler::ImageExamples>(images, transform, config.data.loader.cache_mib << 20);
    data.examples = data.images;
    data.sampler =
        sampler::make_sampler(config.sampler, data.dataset(), data.tuples, config.global_batch, seed);
    return data;
  }

  std::unique_ptr<Evaluator> make_evaluator(const RunConfig& config) const override {
    return make_image_evaluator(config);
  }

  Input open_input(const RunConfig& config, const std::string& path) const override {
    return open_image_input(config, path);
  }
};

}  // namespace

std::unique_ptr<DataKind> make_images() {
  return std::make_unique<Images>();
}

}  // namespace lodestone::run
