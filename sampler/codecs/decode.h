#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sampler/image.h"

namespace lodestone {

/// How a file becomes an Image.
struct DecodeOptions {
  int channels = 1;     ///< 1 grey (Rec. 601 luma of colours) or 3
  int at_least = 0;     ///< pixels: a JPEG may be decoded smaller, but not below this side; 0: full size
  uint8_t paper = 255;  ///< what shows through transparent pixels
  int64_t max_pixels = int64_t{64} << 20;  ///< decoded; more is refused before memory is taken
};

/// Decodes a PNG (any bit depth, palette, grey, alpha, interlaced), a JPEG (whatever libjpeg decodes without losing pixels), a WebP
/// (lossy, lossless, alpha; no animation) or a PBM, PGM or PPM (plain or binary, up to 16 bits); the format is told by its first bytes,
/// never by its name. The orientation that EXIF asks for is applied. Untrusted input is safe: size is checked first, checksums are
/// kept.
/// Cost      one pass; a JPEG much larger than `at_least` is reduced by 2, 4 or 8 inside the inverse DCT, almost free. It may then have
///           16 · max_pixels, unless its scans have to be kept in memory at full size (progressive), and none may have over 500 scans
/// Throws    DataError naming `where` if the bytes are of no such format, damaged, cut short, or claim too many pixels
/// Threads   safe concurrently
Image decode_image(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where);

/// The same at full size with default limits.
Image decode_image(std::span<const std::byte> data, int channels, std::string_view where);

}  // namespace lodestone
