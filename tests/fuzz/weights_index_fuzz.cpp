#include "fuzz/input.h"
#include "trainer/encoders/weights_index.h"

/// Any bytes become names of shards that stay in their folder, or a typed error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  using namespace lodestone::encoders;
  fuzz::refusing([&] {
    const auto shard_of = parse_weights_index(fuzz::text(data, size), "fuzz.index.json");
    if (shard_of.empty()) std::abort();
    for (const auto& [tensor, shard] : shard_of)
      if (shard.find('/') != std::string::npos || shard.find('\0') != std::string::npos ||
          !shard.ends_with(".safetensors"))
        std::abort();
  });
  return 0;
}
