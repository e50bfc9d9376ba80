#include "sampler/codecs/decode_formats.h"

namespace lodestone::sampler {

namespace {

uint8_t over_paper(int value, int alpha, int paper) {
  return static_cast<uint8_t>((value * alpha + paper * (255 - alpha) + 127) / 255);
}

}  // namespace

Image from_rgba(const std::vector<uint8_t>& rgba, int width, int height, const DecodeOptions& options) {
  Image image(width, height, options.channels);
  uint8_t* out = image.pixels.data();
  for (size_t p = 0; p < rgba.size(); p += 4) {
    uint8_t colour[3];
    for (size_t c = 0; c < 3; ++c) colour[c] = over_paper(rgba[p + c], rgba[p + 3], options.paper);
    if (options.channels == 1) {
      *out++ = luma(colour[0], colour[1], colour[2]);
    } else {
      for (uint8_t value : colour) *out++ = value;
    }
  }
  return image;
}

}  // namespace lodestone::sampler
