#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sampler/codecs/decode.h"
#include "sampler/files/positioned_file.h"
#include "sampler/sources/shard_index.h"

namespace lodestone::sampler {

/// The name of an image in lists and keys: a file, or a member of a shard as "a.tar!b.png".
struct ImageName {
  std::string file;
  std::optional<std::string> member;

  static ImageName of(const std::string& text);
};

/// A tar shard whose images are read in place, one pread each.
/// Threads   const methods are safe concurrently.
/// Owns      a file descriptor after keep_open(), otherwise none.
class TarShard {
 public:
  TarShard(std::string path, ShardIndex index) : path_(std::move(path)), index_(std::move(index)) {}

  const std::string& path() const { return path_; }
  const ShardIndex& index() const { return index_; }
  ShardIndex& index() { return index_; }

  /// Reads and decodes sample i of the shard. Throws DataError naming shard, member and offset if it is
  /// damaged.
  Image get(size_t i, const DecodeOptions& decode) const;
  /// Reads the bytes of sample i. Throws the same.
  std::vector<std::byte> encoded(size_t i) const;
  /// Opens the file once instead of for each image. Throws DataError.
  void keep_open() { open_.emplace(path_); }

 private:
  std::string where(size_t i) const;

  std::string path_;
  ShardIndex index_;
  std::optional<PositionedFile> open_;
};

}  // namespace lodestone::sampler
