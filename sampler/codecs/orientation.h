#pragma once

#include <cstddef>
#include <span>

#include "sampler/image.h"

namespace lodestone::sampler {

/// Reads the orientation (1 to 8) from an EXIF block (TIFF 6.0, tag 0x0112 of the first directory); 1 if
/// there is none or the block is damaged. A leading "Exif\0\0" is skipped. Safe for arbitrary bytes.
int exif_orientation(std::span<const std::byte> exif);

/// Finds the EXIF block of a JPEG (its first APP1 segment with that mark); empty if there is none. Safe for
/// arbitrary bytes.
std::span<const std::byte> exif_of_jpeg(std::span<const std::byte> jpeg);

/// Applies an EXIF orientation (EXIF 2.3, table 6): 1 unchanged, 2 mirrored left to right, 3 rotated by 180
/// degrees, 4 mirrored top to bottom, 5 transposed, 6 rotated clockwise by 90 degrees, 7 transposed about the
/// other diagonal, 8 rotated anticlockwise by 90 degrees.
/// Cost      none for 1, else one copy.
Image oriented(Image image, int orientation);

}  // namespace lodestone::sampler
