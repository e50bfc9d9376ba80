#include "sampler/codecs/encode_webp.h"

#include <memory>
#include <vector>

#include <webp/encode.h>

#include "common/error.h"

namespace lodestone::sampler {

namespace {

// WebP has no grey images.
std::vector<uint8_t> colours(const Image& image) {
  if (image.channels == 3) return image.pixels;
  std::vector<uint8_t> rgb;
  rgb.reserve(image.pixels.size() * 3);
  for (const uint8_t grey : image.pixels) rgb.insert(rgb.end(), 3, grey);
  return rgb;
}

}  // namespace

std::string encode_webp(const Image& image, float quality) {
  const bool channels_known = image.channels == 1 || image.channels == 3;
  uint8_t* file = nullptr;
  const size_t size = channels_known ? WebPEncodeRGB(colours(image).data(), image.width, image.height,
                                                     image.width * 3, quality, &file)
                                     : 0;
  const std::unique_ptr<uint8_t, decltype(&WebPFree)> owned(file, &WebPFree);
  if (size == 0)
    throw DataError("webp: expected an image of 1 or 3 channels with sides from 1 to " +
                    std::to_string(WEBP_MAX_DIMENSION) + ", got " + std::to_string(image.width) + "x" +
                    std::to_string(image.height) + "x" + std::to_string(image.channels));
  return {reinterpret_cast<const char*>(file), size};
}

}  // namespace lodestone::sampler
