#pragma once

#include <vector>

#include "sampler/augment/planes.h"

namespace lodestone::sampler {

/// An affine transform of an image. Angles in degrees, clockwise as displayed (y points down); shifts as
/// fractions of the side.
struct AffineChange {
  double rotation = 0.0;
  double shift_x = 0.0;
  double shift_y = 0.0;
  double scale = 1.0;
  double shear = 0.0;  ///< of x along y
  bool flip = false;   ///< mirrors left to right, before all else
  bool changes() const { return rotation != 0 || shift_x != 0 || shift_y != 0 || scale != 1 || shear != 0; }
};

/// Transforms an image about its centre; the size stays.
/// Math      p' - centre = shift + R(rotation) · Shear · scale · Flip · (p - centre), evaluated backwards:
///           each output pixel is the bilinear mean at its source position, where everything outside the
///           image has the value `border`.
/// Units     lengths are measured in a frame of aspect_width × aspect_height, so that an image whose pixels
///           end up non-square is rotated without being skewed.
/// Cost      O(channels · width · height).
/// Requires  scale > 0; border has one entry per channel.
Planes apply_affine(const Planes& planes, const AffineChange& affine, double aspect_width,
                    double aspect_height, const std::vector<float>& border);

/// The median of the outermost pixels per channel: an estimate of the background.
std::vector<float> border_median(const Planes& planes);

}  // namespace lodestone::sampler
