#pragma once

#include <memory>

#include "sampler/augment/transforms.h"
#include "sampler/examples.h"

namespace lodestone::sampler {

/// Images as float32 tensors, each converted by `transform`.
/// Memory    up to cache_bytes of decoded images (cached_dataset.h).
class ImageExamples : public Examples {
 public:
  ImageExamples(std::shared_ptr<const ImageDataset> images, ImageTransform transform,
                int64_t cache_bytes = 0);

  std::shared_ptr<const Dataset> dataset() const override { return images_; }
  std::unique_ptr<FeatureBuilder> builder(int64_t rows) const override;
  ShownSample shown(int64_t index) const override { return {images_->get(index), ""}; }
  const ImageDataset& images() const { return *images_; }
  const ImageTransform& transform() const { return transform_; }

 private:
  std::shared_ptr<const ImageDataset> images_;
  ImageTransform transform_;
};

}  // namespace lodestone::sampler
