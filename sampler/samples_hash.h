#pragma once

#include <cstdint>

#include "sampler/dataset.h"

namespace lodestone {

/// Changes with any sample's id and with the order of the samples; not against malice.
/// Cost   one pass over the ids
uint64_t samples_hash(const Dataset& dataset);

}  // namespace lodestone
