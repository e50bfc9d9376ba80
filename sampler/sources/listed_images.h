#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sampler/codecs/decode.h"
#include "sampler/dataset.h"
#include "sampler/sources/index_cache.h"
#include "sampler/sources/tar_shard.h"

namespace lodestone::sampler {

/// Collects the distinct images that a list names: files relative to its folder, "a/b.png", or members of tar
/// shards, "train-000.tar!b.png". A member must have a class; which one does not matter.
/// Memory    the names; while the list is read, also those of all samples of the shards it names.
class ListedImages {
 public:
  /// `index_cache`: see cached_shard_index.
  ListedImages(std::filesystem::path root, IndexCache index_cache)
      : root_(std::move(root)), index_cache_(std::move(index_cache)) {}

  /// The number of an image, in order of first mention, however its name is written; empty if there is no
  /// such file or member. Requires a name that stays below the folder. Throws DataError if a shard cannot be
  /// read.
  std::optional<int64_t> index(const std::string& text);

  /// Opens the collected images; each is its own class, named as in the list.
  std::shared_ptr<const ImageDataset> open(const DecodeOptions& decode) &&;

 private:
  struct Members {
    size_t shard;
    std::unordered_map<std::string, size_t> at;
  };
  struct Place {
    std::optional<size_t> shard;  ///< empty: a file
    size_t at = 0;                ///< index of the sample in the shard
  };
  class Images;

  std::optional<Place> find(const ImageName& name);
  const Members& members_of(const std::string& shard);

  std::filesystem::path root_;
  IndexCache index_cache_;
  std::unordered_map<std::string, int64_t> indices_;
  std::vector<std::string> names_;
  std::vector<Place> places_;
  std::vector<TarShard> shards_;
  std::unordered_map<std::string, Members> members_;
};

}  // namespace lodestone::sampler
