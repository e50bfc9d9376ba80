#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/sources/positioned_file.h"
#include "sampler/sources/shard_keys.h"

namespace lodestone {

/// The samples of one tar shard, in the order of their first members: where the picture lies, and its class.
/// Memory    16 bytes and the member's name per sample
struct ShardIndex {
  struct Class {
    std::string name;
    std::string group;  ///< of look-alikes; empty: alone
  };
  std::vector<uint32_t> block;  ///< the picture's content begins at 512 times this
  std::vector<uint32_t> size;   ///< bytes of the picture; 2^32 - 1 stands for that or more
  std::vector<uint32_t>
      name_end;  ///< of the picture's member name within `names`; it begins where the one before ends
  std::vector<uint32_t> class_of;  ///< index into `classes`
  std::string names;
  std::vector<Class> classes;    ///< in order of first mention
  LeftOut left_out;              ///< members that were passed over
  int64_t incomplete = 0;        ///< keys without a picture or without a class; they are no samples
  std::string first_incomplete;  ///< the first of them, as ShardKey::only has it
  BadMembers bad;                ///< what cannot be used: no samples either

  int64_t samples() const { return static_cast<int64_t>(block.size()); }
  int64_t offset(size_t i) const { return int64_t{512} * block[i]; }
  std::string_view name(size_t i) const {
    const size_t begin = i == 0 ? 0 : name_end[i - 1];
    return std::string_view(names).substr(begin, name_end[i] - begin);
  }
  /// Appends a sample. Requires  offset is a multiple of 512. Throws DataError if the shard or its names exceed 2 TiB or 4 GiB.
  void add(std::string_view member, int64_t offset, int64_t bytes, uint32_t class_index);
};

/// Reads the index from the shard itself: the layout is that of open_tar_shards.
/// Cost      one seek and one block per member, and one read per class
/// Throws    DataError naming shard and offset if it is no sound tar, or its classes cannot be read from the file
ShardIndex index_shard(const PositionedFile& file);

}  // namespace lodestone
