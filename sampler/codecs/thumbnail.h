#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sampler/image.h"

namespace lodestone::sampler {

/// Limits of a thumbnail: an image file of this size is stored beside an embedding and shown in pages.
inline constexpr int kThumbnailSide = 256;
inline constexpr size_t kThumbnailBytes = size_t{64} << 10;

/// The image as a WebP file with no side longer than `side`; the same image gives the same bytes.
/// Requires  side from 1 to kThumbnailSide
/// Cost      one pass; about 2 KB for a photograph of 64 pixels
std::string thumbnail_of(const Image& image, int side);

/// The media type of an untrusted thumbnail, "image/webp" or "image/png"; nullptr unless it is within the
/// limits and decodes.
const char* thumbnail_type(std::string_view file);

/// The image as a PNG file for a page, with no side longer than 320 pixels: the size of a page is bounded
/// whatever its images are.
std::string page_png(const Image& image);

}  // namespace lodestone::sampler
