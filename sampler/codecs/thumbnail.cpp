#include "sampler/codecs/thumbnail.h"

#include <span>

#include "common/error.h"
#include "sampler/codecs/decode.h"
#include "sampler/codecs/encode_png.h"
#include "sampler/codecs/encode_webp.h"
#include "sampler/codecs/shrink.h"

namespace lodestone::sampler {

namespace {

constexpr int kPageSide = 320;
constexpr float kQualities[] = {80, 40, 10};  // the lower ones for images full of noise

bool is_within_limits(std::string_view file) {
  DecodeOptions options;
  options.max_pixels = int64_t{kThumbnailSide} * kThumbnailSide;
  try {
    const Image image = decode_image(std::as_bytes(std::span(file)), options, "thumbnail");
    return image.width <= kThumbnailSide && image.height <= kThumbnailSide;
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace

std::string thumbnail_of(const Image& image, int side) {
  const Image small = shrunk(image, side);
  std::string file;
  for (const float quality : kQualities)
    if (file = encode_webp(small, quality); file.size() <= kThumbnailBytes) break;
  return file;
}

const char* thumbnail_type(std::string_view file) {
  if (file.size() < 12 || file.size() > kThumbnailBytes) return nullptr;
  const char* type = file.starts_with("\x89PNG")                               ? "image/png"
                     : file.starts_with("RIFF") && file.substr(8, 4) == "WEBP" ? "image/webp"
                                                                               : nullptr;
  return type && is_within_limits(file) ? type : nullptr;
}

std::string page_png(const Image& image) {
  const auto png = encode_png(shrunk(image, kPageSide));
  return {png.begin(), png.end()};
}

}  // namespace lodestone::sampler
