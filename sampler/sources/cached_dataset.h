#pragma once

#include <cstdint>
#include <memory>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// Adds a cache of decoded images to a data set. It keeps images until `max_bytes` are used; later ones are
/// read each time. Nothing is evicted: under uniform access an evicting cache of the same size has no more
/// hits, and costs bookkeeping. With max_bytes 0 the data set itself is returned.
/// Cost      memory max_bytes + 8 bytes per sample; a hit copies the image.
/// Threads   safe concurrently.
std::shared_ptr<const ImageDataset> cached(std::shared_ptr<const ImageDataset> dataset, int64_t max_bytes);

}  // namespace lodestone::sampler
