#include "sampler/texts/image_text_examples.h"

#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include <ATen/ops/empty.h>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::sampler {

namespace {

class Builder : public FeatureBuilder {
 public:
  Builder(const ImageTextSet& set, const ImageTransform& transform, const TokenRule& rule, uint64_t seed,
          int64_t rows)
      : set_(set), transform_(transform), seed_(seed), tokens_(rule, rows) {
    const ImageTransformConfig& shape = transform.config();
    x_nCHW_ = at::empty({rows, shape.channels, shape.height, shape.width}, at::kFloat);
    is_text_b_ = at::empty({rows}, at::kBool);
  }

  // A pair is valid or bad as a whole, whichever side is requested: image and caption get the same
  // replacement on every rank.
  void add(int64_t index, const RowDraw& draw) override {
    const bool is_text = draw.view == 1;
    if (is_text) {
      tokens_.add(caption_of_sound_pair(index, draw));
    } else {
      const Image image = set_.images->get(index);
      if (!read_.contains(index)) read_.emplace(index, set_.captions->get(caption(index, draw)));
      add_image(image, index, draw);
    }
    is_text_b_.mutable_data_ptr<bool>()[added_++] = is_text;
  }

  Features finish() override {
    Features features;
    features.pixels_nCHW = x_nCHW_.narrow(0, 0, images_);
    tokens_.finish(features);
    features.is_text_b = is_text_b_.narrow(0, 0, added_);
    return features;
  }

 private:
  int64_t caption(int64_t index, const RowDraw& draw) const {
    const int64_t first = set_.first[static_cast<size_t>(index)];
    const int64_t count = set_.first[static_cast<size_t>(index) + 1] - first;
    Random random(seed_, Purpose::kAugment, static_cast<uint64_t>(draw.epoch), set_.images->id(index));
    const int64_t drawn = draw.augment ? static_cast<int64_t>(random.below(static_cast<uint64_t>(count))) : 0;
    return set_.order[static_cast<size_t>(first + drawn)];
  }

  // The pair's image is the previous row, unless another rank has that row.
  std::string caption_of_sound_pair(int64_t index, const RowDraw& draw) {
    const auto read = read_.find(index);
    if (read != read_.end()) return read->second;
    set_.images->get(index);
    return set_.captions->get(caption(index, draw));
  }

  void add_image(const Image& image, int64_t index, const RowDraw& draw) {
    const std::span<float> out_CHW(x_nCHW_.mutable_data_ptr<float>() + images_ * transform_.numel(),
                                   static_cast<size_t>(transform_.numel()));
    if (draw.augment)
      transform_.augmented(image, {draw.epoch, draw.position, draw.view, set_.images->id(index)}, out_CHW);
    else
      transform_.plain(image, out_CHW);
    ++images_;
  }

  const ImageTextSet& set_;
  const ImageTransform& transform_;
  uint64_t seed_;
  TokenRows tokens_;
  std::unordered_map<int64_t, std::string> read_;  // captions of the images added so far
  at::Tensor x_nCHW_;
  at::Tensor is_text_b_;
  int64_t added_ = 0;
  int64_t images_ = 0;
};

}  // namespace

ImageTextExamples::ImageTextExamples(ImageTextSet set, ImageTransform transform, TokenRule rule,
                                     uint64_t seed)
    : set_(std::move(set)), transform_(std::move(transform)), rule_(std::move(rule)), seed_(seed) {}

std::unique_ptr<FeatureBuilder> ImageTextExamples::builder(int64_t rows) const {
  return std::make_unique<Builder>(set_, transform_, rule_, seed_, rows);
}

}  // namespace lodestone::sampler
