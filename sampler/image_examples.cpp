#include "sampler/image_examples.h"

#include <span>
#include <utility>

#include <ATen/ops/empty.h>

#include "sampler/sources/cached_dataset.h"

namespace lodestone::sampler {

namespace {

class ImageBuilder : public FeatureBuilder {
 public:
  ImageBuilder(const ImageDataset& images, const ImageTransform& transform, int64_t rows)
      : images_(images), transform_(transform) {
    const ImageTransformConfig& shape = transform.config();
    x_nCHW_ = at::empty({rows, shape.channels, shape.height, shape.width}, at::kFloat);
  }

  void add(int64_t index, const RowDraw& draw) override {
    const Image image = images_.get(index);
    const auto numel = static_cast<size_t>(transform_.numel());
    const std::span<float> out_CHW(x_nCHW_.mutable_data_ptr<float>() + added_ * transform_.numel(), numel);
    if (draw.augment)
      transform_.augmented(image, {draw.epoch, draw.position, draw.view, images_.id(index)}, out_CHW);
    else
      transform_.plain(image, out_CHW);
    ++added_;
  }

  Features finish() override { return x_nCHW_.narrow(0, 0, added_); }

 private:
  const ImageDataset& images_;
  const ImageTransform& transform_;
  at::Tensor x_nCHW_;
  int64_t added_ = 0;
};

}  // namespace

ImageExamples::ImageExamples(std::shared_ptr<const ImageDataset> images, ImageTransform transform,
                             int64_t cache_bytes)
    : images_(cached(std::move(images), cache_bytes)), transform_(std::move(transform)) {}

std::unique_ptr<FeatureBuilder> ImageExamples::builder(int64_t rows) const {
  return std::make_unique<ImageBuilder>(*images_, transform_, rows);
}

}  // namespace lodestone::sampler
