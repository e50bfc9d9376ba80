#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/codecs/decode.h"

namespace lodestone::sampler {

Image decode_png(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where);
Image decode_jpeg(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where);
Image decode_webp(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where);
/// Decodes a PBM, PGM or PPM.
/// Requires  data begins with "P1" to "P6".
Image decode_pnm(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where);

/// Throws DataError unless 1 <= width · height <= options.max_pixels.
void check_size(int64_t width, int64_t height, const DecodeOptions& options, std::string_view where);

/// Composes the colours over options.paper and converts them to options.channels.
/// Requires  rgba has 4 · width · height bytes of straight alpha.
Image from_rgba(const std::vector<uint8_t>& rgba, int width, int height, const DecodeOptions& options);

/// Rec. 601 luma, exact for r = g = b.
inline uint8_t luma(int r, int g, int b) {
  return static_cast<uint8_t>((77 * r + 150 * g + 29 * b + 128) >> 8);
}

}  // namespace lodestone::sampler
