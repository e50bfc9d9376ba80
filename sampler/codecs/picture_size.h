#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lodestone {

struct PictureSize {
  int64_t width = 0, height = 0;
};

/// What the header of a picture claims (before any orientation), of the formats that decode_image() knows; nothing if it isn't
/// understood. It says how much memory decoding will take; the decoder, which sees the whole file, has the last word. Any bytes are safe.
/// Cost      reads no pixels; at most one pass over a JPEG's or PNM's head
std::optional<PictureSize> picture_size(std::span<const std::byte> data);

}  // namespace lodestone
