#include "sampler/codecs/decode.h"

#include <span>
#include <string>

#include "common/choices.h"
#include "common/error.h"
#include "common/file_kind.h"
#include "common/text_format.h"
#include "sampler/codecs/decode_formats.h"

namespace lodestone::sampler {

namespace {

/// A format of images.
struct ImageCodec {
  const char* name;
  bool (*begins)(std::string_view bytes);  ///< whether a file of the format begins so
  Image (*decode)(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where);
};

constexpr ImageCodec kCodecs[] = {
    {.name = "PNG",
     .begins = [](std::string_view bytes) { return bytes.starts_with("\x89PNG\r\n\x1A\n"); },
     .decode = decode_png},
    {.name = "JPEG",
     .begins = [](std::string_view bytes) { return bytes.starts_with("\xFF\xD8\xFF"); },
     .decode = decode_jpeg},
    {.name = "WebP",
     .begins =
         [](std::string_view bytes) {
           return bytes.size() > 12 && bytes.starts_with("RIFF") && bytes.substr(8).starts_with("WEBP");
         },
     .decode = decode_webp},
    {.name = "PBM, PGM or PPM",
     .begins =
         [](std::string_view bytes) {
           return bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6';
         },
     .decode = decode_pnm},
};

std::string codec_names() {
  return joined(names_of(std::span<const ImageCodec>(kCodecs)));
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
  const std::string_view bytes(reinterpret_cast<const char*>(data.data()), data.size());
  for (const ImageCodec& codec : kCodecs)
    if (codec.begins(bytes)) return codec.decode(data, options, where);
  const std::string other = std::to_string(data.size()) + " bytes of another format; convert or remove it";
  throw DataError("image: expected a " + codec_names() + ", got " + std::string(where) + ", which is " +
                  kind_and_remedy(file_kind(bytes), other));
}

Image decode_image(std::span<const std::byte> data, int channels, std::string_view where) {
  DecodeOptions options;
  options.channels = channels;
  return decode_image(data, options, where);
}

}  // namespace lodestone::sampler
