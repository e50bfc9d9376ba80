#pragma once

#include <memory>

#include "sampler/dataset.h"

namespace lodestone {

/// Every class four times, turned by 0, 90, 180 and 270 degrees clockwise: a character on its side is another
/// character (Koch et al.; Santoro et al., 2016). Helps where data has many small classes without a natural
/// rotation. Math      sample 4i+t shows sample i after t quarter turns; label = 4·label + t; group = 4·group
/// + t, so that
///           look-alikes stay look-alikes turn by turn
/// Id        t = 0 keeps the id; the others get ids of their own, since a turned picture is a negative of its
/// original Cost      size × 4, no memory; a copy of the picture per get()
std::shared_ptr<const ImageDataset> quarter_turns(std::shared_ptr<const ImageDataset> dataset);

/// The image turned by `turns` quarter turns clockwise.
Image turned(const Image& image, int turns);

}  // namespace lodestone
