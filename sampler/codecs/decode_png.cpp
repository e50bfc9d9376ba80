#include <memory>

#include <spng.h>

#include "common/error.h"
#include "sampler/codecs/decode_formats.h"
#include "sampler/codecs/orientation.h"

namespace lodestone::sampler {

namespace {

// Of one text or profile chunk; real images have smaller ones.
constexpr size_t kMaxChunkBytes = size_t{16} << 20;

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using Context = std::unique_ptr<spng_ctx, FreeContext>;

void check(int code, const char* step, std::string_view where) {
  if (code == 0) return;
  throw DataError("image: expected a valid PNG, got '" + std::string(spng_strerror(code)) + "' while " +
                  step + " " + std::string(where) + "; replace or remove this image");
}

bool plain_grey(spng_ctx* context, const spng_ihdr& header) {
  spng_trns transparency;
  return header.color_type == SPNG_COLOR_TYPE_GRAYSCALE && header.bit_depth <= 8 &&
         spng_get_trns(context, &transparency) != 0;
}

void decode_pixels(spng_ctx* context, std::vector<uint8_t>& out, spng_format format, std::string_view where) {
  check(spng_decode_image(context, out.data(), out.size(), format, SPNG_DECODE_TRNS), "decoding", where);
  // The last checksum follows the last pixel; reading on to the end mark verifies it.
  check(spng_decode_chunks(context), "reading the end of", where);
}

int orientation(spng_ctx* context) {
  spng_exif exif;
  if (spng_get_exif(context, &exif) != 0) return 1;
  return exif_orientation({reinterpret_cast<const std::byte*>(exif.data), exif.length});
}

}  // namespace

Image decode_png(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where) {
  Context context(spng_ctx_new(0));
  if (!context) throw DataError("image: out of memory while opening " + std::string(where));
  spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
  spng_set_chunk_limits(context.get(), kMaxChunkBytes, kMaxChunkBytes);
  check(spng_set_png_buffer(context.get(), data.data(), data.size()), "opening", where);
  spng_ihdr header;
  check(spng_get_ihdr(context.get(), &header), "reading the header of", where);
  check_size(header.width, header.height, options, where);

  const int width = static_cast<int>(header.width);
  const int height = static_cast<int>(header.height);
  if (options.channels == 1 && plain_grey(context.get(), header)) {
    Image image(width, height, 1);
    decode_pixels(context.get(), image.pixels, SPNG_FMT_G8, where);
    return oriented(std::move(image), orientation(context.get()));
  }
  std::vector<uint8_t> rgba(static_cast<size_t>(width) * static_cast<size_t>(height) * 4);
  decode_pixels(context.get(), rgba, SPNG_FMT_RGBA8, where);
  return oriented(from_rgba(rgba, width, height, options), orientation(context.get()));
}

}  // namespace lodestone::sampler
