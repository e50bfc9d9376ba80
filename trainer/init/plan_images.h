#pragma once

#include "trainer/init/measured.h"
#include "trainer/init/plan.h"

namespace lodestone::init {

/// The size of the encoder's input.
struct InputSize {
  int64_t width = 0, height = 0;
  bool crops = false;  ///< images of other shapes are cropped, not stretched
};

/// Drawings become at most 36 pixels high and wide, by a whole divisor if that leaves 28; photographs at most
/// 64. The shape is that of the images if they share one, else a square.
InputSize input_size(const survey::ImageSurvey& images);

/// data.image: size, channels, augmentation, mean and deviation.
void plan_image(Plan& plan, const survey::ImageSurvey& images);

/// A convolutional encoder below `key` for images of this size: blocks until two or three pixels remain, and
/// fewer channels where there are few images.
void plan_convolutions(Plan& plan, const std::string& key, const survey::ImageSurvey& images, int64_t samples,
                       int64_t embedding);

}  // namespace lodestone::init
