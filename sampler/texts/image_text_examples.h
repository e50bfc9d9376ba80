#pragma once

#include <cstdint>
#include <memory>

#include "sampler/augment/transforms.h"
#include "sampler/examples.h"
#include "sampler/texts/image_texts.h"
#include "sampler/texts/token_rows.h"

namespace lodestone::sampler {

/// Images with their captions, for two towers. View 0 of a sample is its image; view 1 is one of its
/// captions, drawn by Random(seed, kAugment, epoch, id), or the first caption without augmentation. So the
/// sampler two_views makes batches of pairs.
/// Threads   const methods are safe concurrently.
class ImageTextExamples : public Examples {
 public:
  ImageTextExamples(ImageTextSet set, ImageTransform transform, TokenRule rule, uint64_t seed);

  std::shared_ptr<const Dataset> dataset() const override { return set_.images; }
  std::unique_ptr<FeatureBuilder> builder(int64_t rows) const override;
  ShownSample shown(int64_t index) const override { return {set_.images->get(index), ""}; }

 private:
  ImageTextSet set_;
  ImageTransform transform_;
  TokenRule rule_;
  uint64_t seed_;
};

}  // namespace lodestone::sampler
