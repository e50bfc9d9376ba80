#include "trainer/serve/image_reader.h"

#include <algorithm>
#include <span>

#include "common/error.h"
#include "sampler/codecs/image_size.h"
#include "sampler/codecs/thumbnail.h"

namespace lodestone::serve {

namespace {

// Largest memory per pixel while decoding: four bytes in the file's colour space and four of
// colours, then three or six for a rotated copy; for a progressive JPEG two per coefficient of
// four components, and the colours.
constexpr int64_t kBytesPerPixel = 16;

// Some ten microseconds for decoding them, or for writing them.
constexpr int64_t kQuickPixels = 4096, kQuickValues = 16384;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

void ImageLimits::check() const {
  if (request_pixels < pixels)
    throw ConfigError("--max-request-pixels: expected at least --max-pixels (" + std::to_string(pixels) +
                      "), got " + std::to_string(request_pixels) + "; raise it, or lower --max-pixels");
  const int64_t needed = (pixels * kBytesPerPixel + (int64_t{1} << 20) - 1) >> 20;
  if (decoded_bytes >> 20 < needed)
    throw ConfigError("--max-decoded-mib: expected at least " + std::to_string(needed) +
                      ", which decoding an image of --max-pixels (" + std::to_string(pixels) +
                      ") can take, got " + std::to_string(decoded_bytes >> 20) +
                      "; raise it, or lower --max-pixels");
}

int64_t ImageReader::decoding_bytes(const std::vector<std::string_view>& images) const {
  int64_t most = 0, all = 0;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto size = sampler::image_size(bytes_of(images[i]));
    if (size && size->height > 0 && size->width > limits_.pixels / size->height)
      throw DataError("images[" + std::to_string(i) + "]: expected at most " +
                      std::to_string(limits_.pixels) + " pixels, got " + std::to_string(size->width) + "x" +
                      std::to_string(size->height) + "; shrink the image");
    // If the header is not understood, the decoder decides, and reports why.
    most = std::max(most, size ? size->width * size->height : limits_.pixels);
    if (size) all += size->width * size->height;
  }
  if (all > limits_.request_pixels)
    throw DataError("images: expected at most " + std::to_string(limits_.request_pixels) +
                    " pixels in all, got " + std::to_string(all) +
                    "; shrink the images or send several requests");
  return most * kBytesPerPixel;
}

bool ImageReader::quick(const std::vector<std::string_view>& images) const {
  int64_t pixels = 0;
  for (const std::string_view image : images) {
    const auto size = sampler::image_size(bytes_of(image));
    if (!size || size->height < 1 || size->width > kQuickPixels / size->height) return false;
    pixels += size->width * size->height;
  }
  return pixels <= kQuickPixels && static_cast<int64_t>(images.size()) * transform_.numel() <= kQuickValues;
}

// Limits decoding to the reserved memory. The decoder refuses an image without pixels.
int64_t ImageReader::pixels_of(std::string_view image) const {
  const auto size = sampler::image_size(bytes_of(image));
  return size ? std::max<int64_t>(1, size->width * size->height) : limits_.pixels;
}

std::vector<float> ImageReader::read(std::string_view image, const std::string& where,
                                     std::string* thumbnail) const {
  sampler::DecodeOptions decode = transform_.decode_options();
  decode.max_pixels = pixels_of(image);
  std::vector<float> values_CHW(static_cast<size_t>(transform_.numel()));
  const sampler::Image decoded = sampler::decode_image(bytes_of(image), decode, where);
  transform_.plain(decoded, values_CHW);
  if (thumbnail != nullptr) *thumbnail = sampler::thumbnail_of(decoded, sampler::kGalleryThumbnailSide);
  return values_CHW;
}

}  // namespace lodestone::serve
