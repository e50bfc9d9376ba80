#pragma once

#include <cstddef>
#include <vector>

#include "sampler/image.h"

namespace lodestone {

/// A picture in floats, one channel after another; 0 is black, 1 is white.
/// Shapes    values has channels · height · width entries (CHW)
struct Planes {
  int width = 0;
  int height = 0;
  int channels = 1;
  std::vector<float> values;

  size_t plane_size() const { return static_cast<size_t>(width) * static_cast<size_t>(height); }
};

/// A rectangle of whole pixels.
struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  bool operator==(const Box&) const = default;
};

/// The picture, or the part in `box` as if it were cut out, at another size, each axis by itself, as the antialiased
/// bilinear of torchvision's tensors does: an output pixel is the mean of inputs weighted by a triangle about its centre, which reaches as far as the
/// next output's centre where the picture shrinks, and the next input's where it grows; at the edge what is outside doesn't count.
/// Requires  the box lies in the picture and is not empty
/// Cost      O(channels · (height_in · width_out + height_out · width_out) · taps), taps = max(2, 2·in/out + 1)
/// Threads   safe concurrently
Planes resized(const Image& image, const Box& box, int width, int height);
Planes resized(const Image& image, int width, int height);
Planes resized(const Planes& planes, int width, int height);

/// Mirrors left to right.
void mirror(Planes& planes);

}  // namespace lodestone
