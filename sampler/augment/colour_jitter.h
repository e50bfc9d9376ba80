#pragma once

#include <array>

#include "common/fields.h"
#include "common/rng.h"
#include "sampler/augment/planes.h"

namespace lodestone::sampler {

/// Random colour changes. Factors are drawn uniformly from [max(0, 1 - value), 1 + value], the hue rotation
/// from ±value.
struct ColourJitterConfig {
  double probability = 1.0;
  double brightness = 0.0;
  double contrast = 0.0;
  double saturation = 0.0;
  double hue = 0.0;

  void visit(Fields& f);
  bool on() const { return probability > 0 && (brightness > 0 || contrast > 0 || saturation > 0 || hue > 0); }
};

/// One draw of the colour changes. They are applied in `order`: 0 brightness, 1 contrast, 2 saturation, 3
/// hue.
struct ColourChange {
  double brightness = 1.0;
  double contrast = 1.0;
  double saturation = 1.0;
  double hue = 0.0;  ///< as a fraction of a full turn
  std::array<int, 4> order{0, 1, 2, 3};
};

/// Draws factors, hue and order of the colour changes.
ColourChange draw_colour_change(const ColourJitterConfig& config, Random random);

/// Applies the colour changes to an image.
/// Math      as torchvision's adjust_*, on values in 0..1, clamped after each: brightness f·v; contrast f·v +
///           (1 - f)·m, m the mean of the image's grey; saturation f·v + (1 - f)·grey(v); hue rotated in HSV.
/// Cost      one pass per change.
/// Ensures   a grey image (1 channel) keeps its saturation and hue. A change with factor 1 (hue 0) is
///           skipped.
void change_colours(Planes& planes, const ColourChange& change);

/// Sets all channels to the luma 0.2989 r + 0.587 g + 0.114 b.
void make_grey(Planes& planes);

}  // namespace lodestone::sampler
