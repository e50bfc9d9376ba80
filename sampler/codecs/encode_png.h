#pragma once

#include <cstdint>
#include <vector>

#include "sampler/image.h"

namespace lodestone {

/// A PNG file (8 bits, grey or RGB) of the image; decode_image gives the same pixels back.
/// Requires  width, height >= 1; channels 1 or 3; pixels of the right size. Throws DataError otherwise.
/// Threads   safe concurrently
std::vector<uint8_t> encode_png(const Image& image);

}  // namespace lodestone
