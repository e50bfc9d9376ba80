#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/fields.h"
#include "sampler/dataset.h"
#include "sampler/decode.h"

namespace lodestone {

/// Where class-labelled pictures come from.
struct ImageSourceConfig {
  std::string path;
  std::vector<std::string> class_filter;
  bool quarter_turns = false;
  bool skip_incomplete = false;

  void visit(Fields& f);
};

/// A folder of class folders. A class is named by the path of its folder below the root
/// ("Greek/character01"), at any depth up to 8; hidden names are passed over and links to folders are
/// followed. Files are *.png, *.jpg, *.jpeg; samples are sorted by class name, then file name. An optional
/// `equivalences.tsv` in the root (class<TAB>group) names look-alikes. Cost      one walk over the folder;
/// memory for the paths Throws    DataError if the folder is missing, holds no pictures, has pictures outside
/// class folders, or the
///           filter leaves nothing
std::shared_ptr<const ImageDataset> open_image_folder(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode);

/// Tar shards in the WebDataset layout: members `key.png|jpg|jpeg` with `key.cls` (the class name) or
/// `key.json`
/// ({"class": …, optional "group": …}); other endings are ignored. `path` may hold globs and brace lists,
/// `train-{000..003}.tar`. Shards are read in place: an index of (shard, offset, length) is built once, get()
/// is one pread. Members that are links, devices, absolute or contain ".." are passed over and counted in
/// `refused`. Cost      one pass over the headers (contents are skipped by seeking); about 100 bytes of
/// memory per sample Throws    DataError naming shard, key and offset if a shard is missing, compressed, no
/// tar, or cut short, a key
///           occurs twice, or lacks its picture or class (unless skip_incomplete)
struct TarShardsReport {
  int64_t shards = 0;
  int64_t refused = 0;     ///< members passed over as unsafe
  int64_t incomplete = 0;  ///< keys left out under skip_incomplete
};
std::shared_ptr<const ImageDataset> open_tar_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    TarShardsReport* report = nullptr);

/// The one of these that `path` calls for: a folder, an IDX image file (see open_idx), or else shards; with
/// quarter turns if asked.
std::shared_ptr<const ImageDataset> open_images(const ImageSourceConfig& config, const DecodeOptions& decode);

}  // namespace lodestone
