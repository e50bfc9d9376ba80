#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// Images whose encoded bytes can be read without decoding them: those in files and in shards.
class EncodedImages {
 public:
  virtual ~EncodedImages() = default;
  /// The bytes that get(i) decodes. Throws DataError naming the file.
  virtual std::vector<std::byte> encoded(int64_t i) const = 0;
};

/// The encoded bytes of an image; empty where the data set keeps none (IDX, quarter turns, a cache).
inline std::vector<std::byte> encoded_image(const ImageDataset& images, int64_t i) {
  const auto* encoded = dynamic_cast<const EncodedImages*>(&images);
  return encoded ? encoded->encoded(i) : std::vector<std::byte>{};
}

}  // namespace lodestone::sampler
