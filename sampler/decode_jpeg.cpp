#include <algorithm>
#include <memory>
#include <type_traits>

#include <turbojpeg.h>

#include "common/error.h"
#include "sampler/decode_formats.h"
#include "sampler/orientation.h"

namespace lodestone {

namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<std::remove_pointer_t<tjhandle>, Destroy>;

[[noreturn]] void refuse(const Handle& handle, const char* step, std::string_view where) {
  throw DataError("image: expected a sound JPEG, got '" + std::string(tjGetErrorStr2(handle.get())) +
                  "' while " + step + " " + std::string(where) + "; replace or remove this picture");
}

// Bytes between segments are common in the wild and harm nothing; every other warning means lost pixels.
bool harmless(const Handle& handle) {
  return tjGetErrorCode(handle.get()) == TJERR_WARNING &&
         std::string_view(tjGetErrorStr2(handle.get())).find("extraneous bytes") != std::string_view::npos;
}

/// The smallest of 1/8, 1/4, 1/2, 1 that keeps both sides at `at_least` or more.
tjscalingfactor scale_for(int width, int height, int at_least) {
  tjscalingfactor best{1, 1};
  if (at_least <= 0) return best;
  for (int divisor : {2, 4, 8}) {
    const tjscalingfactor factor{1, divisor};
    if (TJSCALED(std::min(width, height), factor) >= at_least) best = factor;
  }
  return best;
}

// CMYK as Adobe writes it: inverted, so that 255 is no ink.
Image from_cmyk(const std::vector<uint8_t>& cmyk, int width, int height, int channels) {
  Image image(width, height, channels);
  uint8_t* out = image.pixels.data();
  for (size_t p = 0; p < cmyk.size(); p += 4) {
    int colour[3];
    for (size_t c = 0; c < 3; ++c) colour[c] = cmyk[p + c] * cmyk[p + 3] / 255;
    if (channels == 1) {
      *out++ = luma(colour[0], colour[1], colour[2]);
    } else {
      for (int value : colour) *out++ = static_cast<uint8_t>(value);
    }
  }
  return image;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where) {
  Handle handle(tjInitDecompress());
  if (!handle) throw DataError("image: out of memory while opening " + std::string(where));
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(handle.get(), bytes, data.size(), &width, &height, &subsampling, &colours) != 0 &&
      !harmless(handle))
    refuse(handle, "reading the header of", where);
  check_size(width, height, options, where);

  const tjscalingfactor scale = scale_for(width, height, options.at_least);
  width = TJSCALED(width, scale);
  height = TJSCALED(height, scale);
  const bool cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
  const int format = cmyk ? TJPF_CMYK : options.channels == 1 ? TJPF_GRAY : TJPF_RGB;
  Image image(width, height, cmyk ? 4 : options.channels);
  // TJFLAG_LIMITSCANS: a few bytes of a progressive file can otherwise ask for hours of work.
  if (tjDecompress2(handle.get(), bytes, data.size(), image.pixels.data(), width, 0, height, format,
                    TJFLAG_LIMITSCANS) != 0 &&
      !harmless(handle))
    refuse(handle, "decoding", where);
  if (cmyk) image = from_cmyk(image.pixels, width, height, options.channels);
  return oriented(std::move(image), exif_orientation(exif_of_jpeg(data)));
}

}  // namespace lodestone
