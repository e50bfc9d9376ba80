#pragma once

#include <vector>

#include "sampler/augment/planes.h"

namespace lodestone {

/// How a picture is moved. Angles in degrees, clockwise as seen (y points down); shifts as fractions of the
/// side.
struct Motion {
  double rotation = 0.0;
  double shift_x = 0.0;
  double shift_y = 0.0;
  double scale = 1.0;
  double shear = 0.0;  ///< of x along y
  bool flip = false;   ///< left to right, before all else
  bool moves() const { return rotation != 0 || shift_x != 0 || shift_y != 0 || scale != 1 || shear != 0; }
};

/// The picture moved about its centre; the size stays.
/// Math      p' - centre = shift + R(rotation) · Shear · scale · Flip · (p - centre), looked up backwards:
/// each output
///           pixel takes the bilinear mean at its origin, where everything outside the picture has the value
///           `border`
/// Units     lengths are measured in a frame of aspect_width × aspect_height, so that a picture whose pixels
/// are not
///           square in the end is still turned and not skewed
/// Requires  scale > 0; border has one entry per channel
/// Cost      O(channels · width · height)
Planes moved(const Planes& planes, const Motion& motion, double aspect_width, double aspect_height,
             const std::vector<float>& border);

/// Per channel the median over the outermost pixels: the paper a picture lies on.
std::vector<float> border_median(const Planes& planes);

}  // namespace lodestone
