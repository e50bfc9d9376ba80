#include "sampler/samples_hash.h"

namespace lodestone::sampler {

uint64_t samples_hash(const Dataset& dataset) {
  uint64_t hash = 0;
  for (int64_t i = 0; i < dataset.size(); ++i)
    hash = (hash ^ dataset.id(i)) * 0x9E3779B97F4A7C15 + static_cast<uint64_t>(i);
  return hash;
}

}  // namespace lodestone::sampler
