#pragma once

#include <cstddef>
#include <span>

#include "sampler/image.h"

namespace lodestone {

/// The orientation that a block of EXIF (TIFF 6.0, tag 0x0112 of the first directory) asks for: 1 to 8, and 1 where it asks
/// for none or is damaged. An "Exif\0\0" in front is passed over. Any bytes are safe.
int exif_orientation(std::span<const std::byte> exif);

/// The EXIF block of a JPEG (its first APP1 segment with that mark); empty if there is none. Any bytes are safe.
std::span<const std::byte> exif_of_jpeg(std::span<const std::byte> jpeg);

/// The picture as it is to be seen. EXIF 2.3, table 6: 1 as it is, 2 mirrored left to right, 3 turned by 180 degrees, 4 mirrored
/// top to bottom, 5 transposed, 6 turned clockwise by 90 degrees, 7 transposed about the other diagonal, 8 turned anticlockwise by
/// 90 degrees. Cost      none for 1, else a copy
Image oriented(Image image, int orientation);

}  // namespace lodestone
