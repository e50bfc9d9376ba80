#include "trainer/data_view/side.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/error.h"
#include "sampler/codecs/decode.h"
#include "sampler/sources/encoded_images.h"
#include "sampler/sources/tuple_part.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/under_key.h"

namespace lodestone::data_view {

namespace {

/// What the files of images hold, in colour and at full size, whatever the encoder takes of them.
class InColour : public sampler::ImageDataset {
 public:
  explicit InColour(std::shared_ptr<const sampler::ImageDataset> base) : base_(std::move(base)) {}

  int64_t size() const override { return base_->size(); }
  int64_t label(int64_t i) const override { return base_->label(i); }
  uint64_t id(int64_t i) const override { return base_->id(i); }
  std::string key(int64_t i) const override { return base_->key(i); }
  int64_t classes() const override { return base_->classes(); }
  std::string class_name(int64_t c) const override { return base_->class_name(c); }
  int64_t group(int64_t c) const override { return base_->group(c); }

  sampler::Image get(int64_t i) const override {
    constexpr int kColours = 3;
    const std::vector<std::byte> file = sampler::encoded_image(*base_, i);
    if (!file.empty()) return sampler::decode_image(file, kColours, key(i));
    const sampler::Image grey = base_->get(i);
    if (grey.channels == kColours) return grey;
    sampler::Image image(grey.width, grey.height, kColours);
    for (size_t p = 0; p < grey.pixels.size(); ++p)
      std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(kColours * p), kColours, grey.pixels[p]);
    return image;
  }

 private:
  std::shared_ptr<const sampler::ImageDataset> base_;
};

class Opener {
 public:
  explicit Opener(const run::RunConfig& config)
      : config_(config), transform_(config.data.image, static_cast<uint64_t>(config.seed)) {}

  Side training(const std::optional<run::TrainingData>& data) const {
    Side side;
    side.name = "training";
    const bool tuples = !config_.data.tuples.empty();
    side.key = tuples ? "data.tuples" : run::key_of("data.train", config_.data.train);
    if (data && take(*data, side)) return side;
    if (tuples)
      run::under_key(side.key, [&] { open_tuples(side); });
    else
      open(config_.data.train, config_.data.text.layout, side);
    return side;
  }

  std::optional<Side> evaluation() const {
    if (config_.evaluate.data.empty()) return {};
    Side side;
    side.name = "evaluation";
    side.key = run::key_of("evaluate.data", config_.evaluate.data);
    open(config_.evaluate.data, config_.evaluate.text, side);
    return side;
  }

 private:
  // Images that training has opened. A cache keeps no files, and quarter turns are no images of their own.
  bool take(const run::TrainingData& data, Side& side) const {
    if (!data.images || config_.data.train.quarter_turns || config_.data.loader.cache_mib > 0) return false;
    show(std::dynamic_pointer_cast<const sampler::ImageDataset>(data.dataset()), side);
    side.has_classes = config_.data.tuples.empty();
    side.tuples = data.tuples;
    side.left_out = data.left_out;
    if (side.has_classes)
      std::ranges::copy(side.samples().left_out().sentences(), std::back_inserter(side.left_out));
    return true;
  }

  static void show(std::shared_ptr<const sampler::ImageDataset> images, Side& side) {
    side.in_colour = std::make_shared<InColour>(images);
    side.images = std::move(images);
  }

  void open_tuples(Side& side) const {
    sampler::TupleSet set = sampler::read_tuples(config_.data.resolved(config_.data.tuples),
                                                 transform_.decode_options(), config_.data.train.index_cache,
                                                 config_.data.loader.bad_records, config_.data.train.part);
    show(set.images, side);
    side.tuples = std::move(set.tuples);
    side.left_out = std::move(set.messages);
    std::ranges::copy(set.left_out.sentences(), std::back_inserter(side.left_out));
  }

  void open(const sampler::ImageSourceConfig& source, const sampler::TextLayout& layout, Side& side) const {
    const bool images = config_.data.kind->reads_images(), texts = config_.data.kind->reads_texts();
    if (images && texts)
      open_captioned(source, layout, side);
    else if (images)
      run::under_key(side.key, [&] { open_classes(source, side); });
    else
      open_texts(source, layout, side);
    std::ranges::copy(side.samples().left_out().sentences(), std::back_inserter(side.left_out));
  }

  void open_captioned(const sampler::ImageSourceConfig& source, const sampler::TextLayout& layout,
                      Side& side) const {
    sampler::ImageTextSet set = run::open_image_text_split(config_, source, layout, transform_);
    show(set.images, side);
    side.texts = set.captions;
    side.first = std::move(set.first);
    side.order = std::move(set.order);
  }

  void open_classes(const sampler::ImageSourceConfig& source, Side& side) const {
    sampler::ImageSourceConfig resolved = config_.data.resolved(source);
    resolved.quarter_turns = false;
    show(sampler::open_images(resolved, transform_.decode_options(), config_.data.loader.bad_records), side);
    side.has_classes = true;
  }

  void open_texts(const sampler::ImageSourceConfig& source, const sampler::TextLayout& layout,
                  Side& side) const {
    sampler::TextSet set = run::open_text_split(config_, source, layout);
    side.texts = set.texts;
    side.has_classes = layout.format == sampler::TextFormat::kLabels;
    side.tuples = std::move(set.tuples);
    side.texts_per_row = set.texts_per_row;
    side.scores = std::move(set.scores);
  }

  const run::RunConfig& config_;
  sampler::ImageTransform transform_;
};

}  // namespace

Sides open_sides(const run::RunConfig& config) {
  if (config.data.tuples.empty() && config.data.train.empty())
    throw ConfigError(
        "data.train.path: expected data to look at, got nothing; set it in the configuration or with --set "
        "data.train.path=…");
  Sides sides;
  try {
    sides.data = run::open_training_data(config, 1);
  } catch (const Error& error) {
    sides.cannot_train = explain(error);
  }
  const Opener opener(config);
  sides.training = opener.training(sides.data);
  sides.evaluation = opener.evaluation();
  return sides;
}

std::string Side::row_name(int64_t text) const {
  std::string row = texts->key(text);
  if (texts_per_row > 1) row.erase(std::min(row.rfind(" text "), row.size()));
  return row;
}

}  // namespace lodestone::data_view
