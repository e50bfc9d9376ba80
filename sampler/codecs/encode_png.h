#pragma once

#include <cstdint>
#include <vector>

#include "sampler/image.h"

namespace lodestone::sampler {

/// Encodes the image as a PNG file (8 bits, grey or RGB). decode_image returns the same pixels.
/// Throws    DataError unless width and height are at least 1, channels 1 or 3, and pixels of the matching
///           size.
/// Threads   safe concurrently.
std::vector<uint8_t> encode_png(const Image& image);

}  // namespace lodestone::sampler
