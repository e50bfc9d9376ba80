#include "fuzz/input.h"
#include "sampler/shard_index.h"

/// Any bytes become an index whose samples lie in the file, or a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  fuzz::refusing([&] {
    const fuzz::MemoryFile memory(fuzz::text(data, size));
    const PositionedFile file(memory.path());
    const ShardIndex index = index_shard(file);
    for (size_t i = 0; i < index.block.size(); ++i) {
      if (index.name(i).empty() || index.class_of[i] >= index.classes.size()) std::abort();
      file.read(index.offset(i), index.size[i]);
    }
  });
  return 0;
}
