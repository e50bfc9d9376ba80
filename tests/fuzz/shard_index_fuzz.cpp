#include <cstring>

#include <xxhash.h>

#include "fuzz/input.h"
#include "sampler/sources/shard_index_cache.h"

/// Any bytes become an index that can be walked, or nothing. A checksum that fits is put at the end, since
/// one in 2^64 inputs would come past it; the stamp is the one the bytes claim.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lodestone;
  using namespace lodestone::sampler;
  std::string bytes(fuzz::text(data, size));
  const uint64_t sum = XXH3_64bits(bytes.data(), bytes.size());
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof(sum));
  ShardStamp stamp;
  constexpr size_t kStampAt = 24;  // behind the first line
  if (bytes.size() >= kStampAt + 24) {
    std::memcpy(&stamp.bytes, bytes.data() + kStampAt, 8);
    std::memcpy(&stamp.changed, bytes.data() + kStampAt + 8, 8);
    std::memcpy(&stamp.head, bytes.data() + kStampAt + 16, 8);
  }
  const auto index = decode_shard_index(bytes, stamp);
  if (!index) return 0;
  size_t letters = 0;
  for (size_t i = 0; i < index->block.size(); ++i)
    letters += index->name(i).size() + index->classes[index->class_of[i]].name.size();
  if (index->names.size() > letters) std::abort();
  for (size_t n = 0; n < index->bad.first.size(); ++n) letters += index->bad.message_for(n, "x.tar").size();
  for (const auto& [reason, what] : index->left_out.reasons())
    if (what.count <= 0) std::abort();
  if (index->incomplete < 0 || index->bad.count < 0 || index->left_out.count() < 0) std::abort();
  return 0;
}
