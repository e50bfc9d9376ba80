#pragma once

#include <cstddef>
#include <vector>

#include "sampler/image.h"

namespace lodestone::sampler {

/// An image as floats, one channel after another; 0 is black, 1 is white.
/// Shapes    values has channels · height · width entries (CHW).
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

/// Resizes an image, or the part in `box` as if it were cropped first. Each axis is resized on its own, as
/// the antialiased bilinear resize of torchvision's tensors.
/// Math      an output pixel is the mean of input pixels, weighted by a triangle about its centre. The
///           triangle ends at the centre of the neighbouring output pixel where the image shrinks, of the
///           neighbouring input pixel where it grows. Pixels outside do not count.
/// Cost      O(channels · (height_in · width_out + height_out · width_out) · taps), taps = max(2, 2·in/out +
///           1).
/// Requires  the box is within the image and not empty.
/// Threads   safe concurrently.
Planes resized(const Image& image, const Box& box, int width, int height);
Planes resized(const Image& image, int width, int height);
Planes resized(const Planes& planes, int width, int height);

/// Mirrors left to right.
void mirror(Planes& planes);

}  // namespace lodestone::sampler
