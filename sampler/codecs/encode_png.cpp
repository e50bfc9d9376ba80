#include "sampler/codecs/encode_png.h"

#include <cstdlib>
#include <memory>
#include <string>

#include <spng.h>

#include "common/error.h"

namespace lodestone::sampler {

namespace {

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

void check(int code, const char* step) {
  if (code != 0) throw DataError(std::string("png: ") + step + " failed: " + spng_strerror(code));
}

}  // namespace

std::vector<uint8_t> encode_png(const Image& image) {
  const bool channels_known = image.channels == 1 || image.channels == 3;
  if (image.width < 1 || image.height < 1 || !channels_known ||
      image.pixels.size() != Image(image.width, image.height, image.channels).pixels.size())
    throw DataError("png: expected a non-empty image of 1 or 3 channels, got " + std::to_string(image.width) +
                    "x" + std::to_string(image.height) + "x" + std::to_string(image.channels) + " with " +
                    std::to_string(image.pixels.size()) + " bytes");

  std::unique_ptr<spng_ctx, FreeContext> context(spng_ctx_new(SPNG_CTX_ENCODER));
  check(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1), "opening a buffer");
  spng_ihdr header{};
  header.width = static_cast<uint32_t>(image.width);
  header.height = static_cast<uint32_t>(image.height);
  header.bit_depth = 8;
  header.color_type = image.channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR;
  check(spng_set_ihdr(context.get(), &header), "setting the header");
  check(spng_encode_image(context.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_PNG,
                          SPNG_ENCODE_FINALIZE),
        "encoding");
  size_t size = 0;
  int code = 0;
  std::unique_ptr<void, decltype(&std::free)> buffer(spng_get_png_buffer(context.get(), &size, &code),
                                                     &std::free);
  check(code, "taking the buffer");
  const auto* bytes = static_cast<const uint8_t*>(buffer.get());
  return {bytes, bytes + size};
}

}  // namespace lodestone::sampler
