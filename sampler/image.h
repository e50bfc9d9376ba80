#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lodestone::sampler {

/// A decoded image: 8 bits per channel, rows from the top, channels interleaved.
/// Shapes    pixels has height · width · channels bytes; channel c of pixel (x, y) is pixels[(y · width + x)
///           · channels + c].
/// Units     0 is black, 255 is white; channels is 1 (grey) or 3 (red, green, blue).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 1;
  std::vector<uint8_t> pixels;

  Image() = default;
  Image(int width_, int height_, int channels_, uint8_t fill = 0)
      : width(width_),
        height(height_),
        channels(channels_),
        pixels(static_cast<size_t>(width_) * static_cast<size_t>(height_) * static_cast<size_t>(channels_),
               fill) {}

  uint8_t& at(int x, int y, int c = 0) { return pixels[offset(x, y, c)]; }
  uint8_t at(int x, int y, int c = 0) const { return pixels[offset(x, y, c)]; }

 private:
  size_t offset(int x, int y, int c) const {
    return (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) *
               static_cast<size_t>(channels) +
           static_cast<size_t>(c);
  }
};

}  // namespace lodestone::sampler
