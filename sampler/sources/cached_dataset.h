#pragma once

#include <cstdint>
#include <memory>

#include "sampler/dataset.h"

namespace lodestone {

/// Keeps decoded pictures in memory until `max_bytes` are full; later ones are read each time. Nothing is
/// evicted: under uniform access an evicting cache of the same size hits no more often, and costs
/// bookkeeping. Cost      memory max_bytes + 8 bytes per sample; a hit copies the picture. With max_bytes 0
/// the data set itself is returned Threads   safe concurrently
std::shared_ptr<const ImageDataset> cached(std::shared_ptr<const ImageDataset> dataset, int64_t max_bytes);

}  // namespace lodestone
