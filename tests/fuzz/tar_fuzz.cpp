#include "fuzz/input.h"
#include "sampler/sources/shard_index.h"
#include "sampler/texts/image_text_shards.h"

namespace lodestone {
using namespace sampler;
namespace {

void index_classes(const PositionedFile& file) {
  const ShardIndex index = index_shard(file);
  for (size_t i = 0; i < index.block.size(); ++i) {
    if (index.name(i).empty() || index.class_of[i] >= index.classes.size()) std::abort();
    file.read(index.offset(i), index.size[i]);
  }
  for (size_t n = 0; n < index.bad.first.size(); ++n)
    if (index.bad.message_for(n, "x.tar").empty()) std::abort();
}

void index_captions(const std::string& path) {
  ImageSourceConfig source;
  source.path = path;
  source.skip_incomplete = true;
  const ImageTextSet set = open_image_text_shards(source, {OnBadRecord::kSkip, 1.0}, {});
  for (int64_t i = 0; i < set.images->size(); ++i)
    if (set.first[static_cast<size_t>(i)] == set.first[static_cast<size_t>(i) + 1]) std::abort();
  for (int64_t i = 0; i < set.captions->size(); ++i)
    if (set.captions->get(i).empty() || set.captions->label(i) >= set.images->size()) std::abort();
}

}  // namespace
}  // namespace lodestone

/// Any bytes become an index whose samples lie in the file, with classes and with captions, or a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  using namespace lodestone::sampler;
  const fuzz::MemoryFile memory(fuzz::text(data, size));
  fuzz::refusing([&] { index_classes(PositionedFile(memory.path())); });
  fuzz::refusing([&] { index_captions(memory.path()); });
  return 0;
}
