#pragma once

#include <string>

#include "sampler/image.h"

namespace lodestone::sampler {

/// Encodes the image as a WebP file that loses detail: for thumbnails, not for training. The same image and
/// quality give the same bytes.
/// Units     quality from 0 (smallest) to 100
/// Throws    DataError unless the image has 1 or 3 channels and sides from 1 to 16383
/// Threads   safe concurrently.
std::string encode_webp(const Image& image, float quality);

}  // namespace lodestone::sampler
