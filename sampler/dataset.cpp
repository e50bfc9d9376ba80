#include "sampler/dataset.h"

#include <xxhash.h>

namespace lodestone::sampler {

uint64_t sample_id(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

}  // namespace lodestone::sampler
