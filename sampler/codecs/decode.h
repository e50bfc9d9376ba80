#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sampler/image.h"

namespace lodestone::sampler {

/// How an image file is decoded.
struct DecodeOptions {
  int channels = 1;  ///< 1: grey (Rec. 601 luma); 3: red, green, blue
  /// Pixels: a JPEG may be decoded at a reduced size, with no side shorter than this. 0: full size.
  int at_least = 0;
  uint8_t paper = 255;  ///< grey level shown through transparent pixels
  /// Largest image; larger ones are refused before memory is allocated.
  int64_t max_pixels = int64_t{64} << 20;
};

/// Decodes a PNG (any bit depth, palette, grey, alpha, interlaced), a JPEG (whatever libjpeg decodes without
/// losing pixels), a WebP (lossy, lossless, alpha; no animation) or a PBM, PGM or PPM (plain or binary, up to
/// 16 bits). The format is recognised by the first bytes, never by the file's name. The EXIF orientation is
/// applied. Safe for untrusted input: the size is checked first, and checksums are verified.
/// Cost      one pass. A JPEG much larger than `at_least` is reduced by 2, 4 or 8 inside the inverse DCT, at
///           almost no cost. Such a JPEG may have 16 · max_pixels, unless its scans must be kept in memory at
///           full size (progressive). No JPEG may have more than 500 scans.
/// Throws    DataError naming `where` if the format is unknown, or the file is damaged, truncated or has too
///           many pixels.
/// Threads   safe concurrently.
Image decode_image(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where);

/// The same at full size and with the default limits.
Image decode_image(std::span<const std::byte> data, int channels, std::string_view where);

}  // namespace lodestone::sampler
