#pragma once

#include "sampler/image.h"

namespace lodestone::sampler {

/// The image with no side longer than `side`: each pixel is the mean of those that it covers. An image that
/// fits already stays as it is.
/// Cost      one pass
/// Requires  side >= 1
Image shrunk(Image image, int side);

}  // namespace lodestone::sampler
