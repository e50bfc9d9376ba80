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

/// The picture, or the part in `box`, at another size, each axis by itself: where it shrinks, an output pixel is the mean over the
/// area it covers; where it grows, bilinear between pixel centres, the edge repeated. The mean brightness is kept. (torchvision's
/// antialiased bilinear agrees where it grows; where it shrinks it weights with a triangle twice as wide.)
/// Requires  the box lies in the picture and is not empty
/// Cost      O(channels · (height_in · width_out + height_out · width_out) · taps), taps = max(2, in/out + 2)
/// Threads   safe concurrently
Planes resized(const Image& image, const Box& box, int width, int height);
Planes resized(const Image& image, int width, int height);
Planes resized(const Planes& planes, int width, int height);

/// Mirrors left to right.
void mirror(Planes& planes);

}  // namespace lodestone
