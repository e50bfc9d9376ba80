#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sampler/sources/index_cache.h"
#include "sampler/sources/shard_index.h"

namespace lodestone::sampler {

/// Identifies the version of a shard that a cached index describes: any change of the shard changes it.
struct ShardStamp {
  int64_t bytes = 0;
  int64_t changed = 0;  ///< nanoseconds since 1970
  uint64_t head = 0;    ///< XXH3 of the first 4 KiB
  bool operator==(const ShardStamp&) const = default;
};

/// Encodes an index as a file of fixed layout with a checksum at its end.
std::string encode_shard_index(const ShardIndex& index, const ShardStamp& stamp);

/// Decodes an index; empty if the bytes are damaged, belong to another stamp, or contradict such a shard.
/// Safe for arbitrary bytes.
/// Cost      memory at most the size of the bytes.
std::optional<ShardIndex> decode_shard_index(std::string_view bytes, const ShardStamp& stamp);

/// The index of a shard, from a cache if it has a valid and current one; otherwise it is built and the cache
/// entry replaced atomically.
/// where     kBesideShard: the hidden file .NAME.index beside the shard or, if its folder cannot be written,
///           a file below $LODESTONE_CACHE, $XDG_CACHE_HOME/lodestone or ~/.cache/lodestone.
/// Limits    a shard that changed within the last two seconds is not cached: a second change might not change
///           its time stamp. Without a writable place, nothing is cached.
/// Throws    as index_shard.
ShardIndex cached_shard_index(const PositionedFile& file, const IndexCache& where);

}  // namespace lodestone::sampler
