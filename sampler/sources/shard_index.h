#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/files/positioned_file.h"
#include "sampler/sources/shard_keys.h"

namespace lodestone::sampler {

/// The samples of one tar shard, in the order of their first members: location of the image, and class.
/// Memory    16 bytes and the member's name per sample.
struct ShardIndex {
  struct Class {
    std::string name;
    std::string group;  ///< of look-alikes; empty: alone in its group
  };
  std::vector<uint32_t> block;  ///< the image's content begins at 512 times this
  std::vector<uint32_t> size;   ///< bytes of the image; 2^32 - 1 stands for that or more
  /// End of the image's member name within `names`; it begins where the previous one ends.
  std::vector<uint32_t> name_end;
  std::vector<uint32_t> class_of;  ///< index into `classes`
  std::string names;
  std::vector<Class> classes;    ///< in order of first mention
  LeftOut left_out;              ///< members that were left out
  int64_t incomplete = 0;        ///< keys without an image or without a class; they are not samples
  std::string first_incomplete;  ///< the first incomplete key, as ShardKey::only returns it
  BadMembers bad;                ///< members that cannot be used; not samples either

  int64_t samples() const { return static_cast<int64_t>(block.size()); }
  int64_t offset(size_t i) const { return int64_t{512} * block[i]; }
  std::string_view name(size_t i) const {
    const size_t begin = i == 0 ? 0 : name_end[i - 1];
    return std::string_view(names).substr(begin, name_end[i] - begin);
  }
  /// Appends a sample.
  /// Requires  offset is a multiple of 512.
  /// Throws    DataError if the shard exceeds 2 TiB or its names exceed 4 GiB.
  void add(std::string_view member, int64_t offset, int64_t bytes, uint32_t class_index);
};

/// Builds the index by reading the shard; see open_tar_shards for the layout.
/// Cost      one seek and one block per member, and one read per class.
/// Throws    DataError naming shard and offset if it is no valid tar, or its classes cannot be read from the
///           file.
ShardIndex index_shard(const PositionedFile& file);

}  // namespace lodestone::sampler
