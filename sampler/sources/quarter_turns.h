#pragma once

#include <memory>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// Makes four classes of each class, rotated by 0, 90, 180 and 270 degrees clockwise: a character on its side
/// is another character (Koch et al.; Santoro et al., 2016). Helps with many small classes without a natural
/// rotation.
/// Id        t = 0 keeps the id; the others get new ids, since a rotated image is a negative of its original.
/// Math      sample 4i+t is sample i after t quarter turns; label = 4·label + t; group = 4·group + t, so
///           look-alikes remain look-alikes turn by turn.
/// Cost      size × 4 without memory; get() copies the image.
std::shared_ptr<const ImageDataset> quarter_turns(std::shared_ptr<const ImageDataset> dataset);

/// Rotates an image by `turns` quarter turns clockwise.
Image turned(const Image& image, int turns);

}  // namespace lodestone::sampler
