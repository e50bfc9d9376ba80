#pragma once

#include <cstdint>

#include "sampler/dataset.h"

namespace lodestone::sampler {

/// A hash of all sample ids and their order. It detects changes, not malice.
/// Cost      one pass over the ids.
uint64_t samples_hash(const Dataset& dataset);

}  // namespace lodestone::sampler
