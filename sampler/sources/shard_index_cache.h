#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sampler/sources/shard_index.h"

namespace lodestone {

/// What a cached index belongs to: any change of the shard changes it.
struct ShardStamp {
  int64_t bytes = 0;
  int64_t changed = 0;  ///< nanoseconds since 1970
  uint64_t head = 0;    ///< XXH3 of the first 4 KiB
  bool operator==(const ShardStamp&) const = default;
};

/// A file of fixed layout with a checksum at its end.
std::string encode_shard_index(const ShardIndex& index, const ShardStamp& stamp);

/// The index in these bytes; nothing if they are not sound, of another stamp, or say anything that cannot be so of such a shard.
/// Any bytes are safe. Cost      memory at most that of the bytes
std::optional<ShardIndex> decode_shard_index(std::string_view bytes, const ShardStamp& stamp);

/// The index of a shard, from a cache if there is a sound and fresh one.
/// `where` is "auto": the hidden file .NAME.index beside the shard, or, where its folder cannot be written, one below
///         $LODESTONE_CACHE, $XDG_CACHE_HOME/lodestone or ~/.cache/lodestone; "none": no cache; else the folder to keep it in.
/// A cache that is damaged or stale is made again and replaced at once (by rename). A shard that changed within the last two seconds
/// is not cached: a second change might leave no trace in its time. Where no cache can be written, none is.
/// Throws    what index_shard throws
ShardIndex cached_shard_index(const PositionedFile& file, const std::string& where);

}  // namespace lodestone
