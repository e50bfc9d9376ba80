#include "sampler/codecs/decode.h"

#include <array>
#include <cstring>
#include <string>

#include "common/error.h"
#include "common/file_kind.h"
#include "sampler/codecs/decode_formats.h"

namespace lodestone::sampler {

namespace {

template <size_t N>
bool starts_with(std::span<const std::byte> data, const std::array<uint8_t, N>& magic) {
  return data.size() >= N && std::memcmp(data.data(), magic.data(), N) == 0;
}

}  // namespace

void check_size(int64_t width, int64_t height, const DecodeOptions& options, std::string_view where) {
  if (width >= 1 && height >= 1 && width <= options.max_pixels / height) return;
  throw DataError("image: expected 1 to " + std::to_string(options.max_pixels) + " pixels, got " +
                  std::to_string(width) + "x" + std::to_string(height) + " in " + std::string(where) +
                  "; raise data.image.max_pixels, or shrink or remove this image");
}

Image decode_image(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where) {
  if (options.channels != 1 && options.channels != 3)
    throw ConfigError("image: expected 1 or 3 channels, got " + std::to_string(options.channels));
  if (starts_with(data, std::array<uint8_t, 8>{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}))
    return decode_png(data, options, where);
  if (starts_with(data, std::array<uint8_t, 3>{0xFF, 0xD8, 0xFF})) return decode_jpeg(data, options, where);
  if (data.size() > 12 && starts_with(data, std::array<uint8_t, 4>{'R', 'I', 'F', 'F'}) &&
      starts_with(data.subspan(8), std::array<uint8_t, 4>{'W', 'E', 'B', 'P'}))
    return decode_webp(data, options, where);
  if (data.size() > 2 && data[0] == std::byte{'P'} && data[1] >= std::byte{'1'} && data[1] <= std::byte{'6'})
    return decode_pnm(data, options, where);
  const std::string_view bytes(reinterpret_cast<const char*>(data.data()), data.size());
  const std::string other = std::to_string(data.size()) + " bytes of another format; convert or remove it";
  throw DataError("image: expected a PNG, JPEG, WebP, PBM, PGM or PPM, got " + std::string(where) +
                  ", which is " + kind_and_remedy(file_kind(bytes), other));
}

Image decode_image(std::span<const std::byte> data, int channels, std::string_view where) {
  DecodeOptions options;
  options.channels = channels;
  return decode_image(data, options, where);
}

}  // namespace lodestone::sampler
