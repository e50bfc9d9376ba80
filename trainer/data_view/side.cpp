#include "trainer/data_view/side.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/error.h"
#include "sampler/sources/tuples.h"
#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/under_key.h"

namespace lodestone::data_view {

namespace {

constexpr int kColours = 3;

// In colour and at full size: what the files hold, whatever the encoder takes of it.
sampler::DecodeOptions whole(sampler::DecodeOptions decode) {
  decode.channels = kColours;
  decode.at_least = 0;
  return decode;
}

class Opener {
 public:
  explicit Opener(const run::RunConfig& config)
      : config_(config), transform_(config.data.image, static_cast<uint64_t>(config.seed)) {}

  Side training() const {
    Side side;
    side.name = "training";
    const bool tuples = !config_.data.tuples.empty();
    side.key = tuples ? "data.tuples" : run::key_of("data.train", config_.data.train);
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
  void open_tuples(Side& side) const {
    const std::string path = config_.data.resolved(config_.data.tuples);
    const auto read = [&](const sampler::DecodeOptions& decode) {
      return sampler::read_tuples(path, decode, config_.data.train.index_cache,
                                  config_.data.loader.bad_records);
    };
    sampler::TupleSet set = read(transform_.decode_options());
    side.images = set.images;
    side.in_colour = read(whole(transform_.decode_options())).images;
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
    side.images = set.images;
    side.texts = set.captions;
    side.first = std::move(set.first);
    side.order = std::move(set.order);
    sampler::ImageSourceConfig resolved = source;
    resolved.path = config_.data.resolved(source.path);
    side.in_colour = sampler::open_image_texts(resolved, layout, config_.data.loader.bad_records,
                                               whole(transform_.decode_options()))
                         .images;
  }

  void open_classes(const sampler::ImageSourceConfig& source, Side& side) const {
    sampler::ImageSourceConfig resolved = config_.data.resolved(source);
    resolved.quarter_turns = false;
    const auto read = [&](const sampler::DecodeOptions& decode) {
      return sampler::open_images(resolved, decode, config_.data.loader.bad_records);
    };
    side.images = read(transform_.decode_options());
    side.in_colour = read(whole(transform_.decode_options()));
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
  const Opener opener(config);
  return {opener.training(), opener.evaluation()};
}

}  // namespace lodestone::data_view
