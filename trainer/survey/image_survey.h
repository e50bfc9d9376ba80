#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "sampler/dataset.h"
#include "trainer/survey/spread.h"

namespace lodestone::survey {

/// What images look like, from a sample of them.
/// Units     brightness 0 (black) to 1 (white); sizes in pixels, after the orientation that EXIF gives
struct ImageSurvey {
  int64_t read = 0;  ///< images that were decoded
  int64_t damaged = 0;
  std::string first_damaged;  ///< the error of the first one
  Spread width, height;
  Spread aspect;                                    ///< width / height
  double coloured = 0;                              ///< fraction of the images that have colours
  std::array<double, 3> mean = {}, deviation = {};  ///< of red, green and blue; every image counts the same
  double grey_mean = 0, grey_deviation = 0;         ///< of the brightness
  /// Brightness at the border, if most images have a plain border and it is the same in all of them.
  std::optional<double> background;
  /// Median over images of the fraction of pixels as bright as the image's border: high for drawings.
  double plain = 0;
  /// Median over images of the fraction of pixels close to the darkest or the brightest of the image.
  double two_toned = 0;

  /// Letters, symbols or drawings on plain paper, or small icons on a background that all share.
  bool is_drawing() const {
    const bool icons = background.has_value() && plain > 0.2 && width.median <= 128;
    return two_toned > 0.75 || plain > 0.5 || icons;
  }
  bool is_coloured() const { return coloured > 0.05; }
};

/// Decodes a sample of the images.
/// Requires  `images` decodes to three channels, at full size if width and height shall be those of the files
/// Cost      `limits`
/// Errors    damaged images are counted
ImageSurvey survey_images(const sampler::ImageDataset& images, const SurveyLimits& limits = {});

}  // namespace lodestone::survey
