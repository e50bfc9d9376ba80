#pragma once

#include "common/fields.h"
#include "common/rng.h"
#include "sampler/augment/planes.h"

namespace lodestone {

/// A random part of a picture, enlarged or shrunk to the encoder's input.
struct RandomCropConfig {
  double probability = 0.0;
  double scale_min = 0.08;
  double scale_max = 1.0;
  double ratio_min = 3.0 / 4.0;
  double ratio_max = 4.0 / 3.0;

  void visit(Fields& f);
  /// Throws ConfigError unless 0 < scale_min <= scale_max and 0 < ratio_min <= ratio_max.
  void check() const;
};

/// The part that one draw takes, as torchvision's RandomResizedCrop: area = U(scale) of the picture's, width / height = exp U(log
/// ratio_min, log ratio_max), rounded to pixels, anywhere it fits; the first of ten such draws that fits, or else the middle of the
/// picture at the nearest ratio.
Box random_crop(int width, int height, const RandomCropConfig& config, Random random);

/// The largest box of width : height = `aspect` in the middle of a picture.
Box middle(int width, int height, double aspect);

}  // namespace lodestone
