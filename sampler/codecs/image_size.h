#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lodestone::sampler {

struct ImageSize {
  int64_t width = 0, height = 0;
};

/// Reads width and height from the header of an image, before any orientation, in the formats of
/// decode_image(). Empty if the header is not understood. Use it to estimate the memory for decoding; the
/// size may be false, since only decoding reads the whole file. Safe for arbitrary bytes.
/// Cost      reads no pixels; at most one pass over the head of a JPEG or PNM.
std::optional<ImageSize> image_size(std::span<const std::byte> data);

}  // namespace lodestone::sampler
