#pragma once

#include <optional>
#include <span>

#include "common/fields.h"
#include "common/rng.h"
#include "sampler/augment/planes.h"

namespace lodestone::sampler {

/// Erases a random rectangle of an image, with probability `probability`.
struct RandomEraseConfig {
  double probability = 0.0;
  double scale_min = 0.02;
  double scale_max = 0.33;
  double ratio_min = 0.3;
  double ratio_max = 3.3;
  double value = 0.0;

  void visit(Fields& f);
  /// Throws ConfigError unless 0 < scale_min <= scale_max and 0 < ratio_min <= ratio_max.
  void check() const;
};

/// Draws the rectangle to erase, as torchvision's RandomErasing; empty if none of ten draws fits.
/// Math      area = U(scale) · the image's area, height / width = exp U(log ratio), rounded to pixels,
///           strictly smaller than the image along both axes, at a uniform position.
std::optional<Box> random_erase(int width, int height, const RandomEraseConfig& config, Random random);

/// Sets the box to `value` in all channels.
void fill_box(std::span<float> planes_CHW, int width, int height, const Box& box, float value);

}  // namespace lodestone::sampler
