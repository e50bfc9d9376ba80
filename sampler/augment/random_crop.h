#pragma once

#include "common/fields.h"
#include "common/rng.h"
#include "sampler/augment/planes.h"

namespace lodestone::sampler {

/// Crops a random part of an image; it is then resized to the encoder's input.
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

/// Draws the part to keep, as torchvision's RandomResizedCrop.
/// Math      area = U(scale) · the image's area, width / height = exp U(log ratio_min, log ratio_max),
///           rounded to pixels, at a uniform position. The first of ten draws that fits counts; if none fits,
///           a centred box of the nearest allowed ratio.
Box random_crop(int width, int height, const RandomCropConfig& config, Random random);

/// The largest centred box with width : height = `aspect`.
Box middle(int width, int height, double aspect);

}  // namespace lodestone::sampler
