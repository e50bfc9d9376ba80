#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/fields.h"
#include "sampler/bad_records.h"
#include "sampler/codecs/decode.h"
#include "sampler/dataset.h"

namespace lodestone {

/// Where class-labelled pictures come from.
struct ImageSourceConfig {
  std::string path;
  std::vector<std::string> mixture;
  std::vector<double> mixture_weights;
  std::string split;
  std::vector<std::string> class_filter;
  bool quarter_turns = false;
  bool skip_incomplete = false;
  std::string index_cache = "auto";

  bool empty() const { return path.empty() && mixture.empty(); }
  void visit(Fields& f);
};

/// A folder of class folders. A class is named by the path of its folder below the root
/// ("Greek/character01"), at any depth up to 8. Links to folders are followed, but none back to a folder that leads to it. Files are
/// those with a picture's ending (has_image_ending); what else there is, hidden names, devices and FIFOs (which are never opened) are
/// passed over and counted in left_out(). Samples are sorted by class name, then file name. An optional
/// `equivalences.tsv` in the root (class<TAB>group) names look-alikes. Cost      one walk over the folder;
/// memory for the paths Throws    DataError if the folder is missing, holds no pictures, has pictures outside
/// class folders, or the
///           filter leaves nothing
std::shared_ptr<const ImageDataset> open_image_folder(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode);

/// The pictures that lie directly in a folder, by name, all of one class without a name; null if there are none. What else is there
/// is counted in left_out().
std::shared_ptr<const ImageDataset> open_loose_images(const std::string& folder, const DecodeOptions& decode);

/// A list of pictures, *.csv (RFC 4180) or *.tsv, whose header names the columns: `path` (below the list's folder) and `label` (the
/// class); if there, `split`, of which config.split keeps one, and `is_query` and `is_gallery` (1 or 0, True or False, 1.0, yes …),
/// which say what a sample does when retrieval is judged; they may be empty, and are an error where is_query(i) or is_gallery(i) asks
/// for one that is. Each row lies on one line. The pictures are not looked at before they are needed.
/// Cost      the list is read twice; kept are about 23 bytes and the path per sample
/// Left out  columns of other names
/// Bad       a malformed row is dealt with by `bad_records`
/// Throws    DataError naming file and line for a malformed row (unless it is skipped), a missing column, a column `group` (look-alikes are of folders and
///           shards), a path that is absolute or leaves the folder, or if nothing remains
std::shared_ptr<const ImageDataset> open_image_manifest(const ImageSourceConfig& config,
                                                        const DecodeOptions& decode,
                                                        const BadRecordConfig& bad_records = {});

/// Tar shards in the WebDataset layout (shard_keys.h has the rule of the names): members `key.png|jpg|jpeg|webp|…` with the first there
/// is of `key.cls` (the class name), `key.json` ({"class": …, optional "group": …}) and `key.txt` (the class name). `path` may hold
/// globs and braces, `train-{000..127}.tar`. Shards are read in place: an index of each is built once and cached
/// (shard_index_cache.h; `index_cache`), get() is one pread. Members that are links, devices, absolute or contain ".." are passed over.
/// left_out() says how much was passed over, and why.
/// Bad       a key with two pictures or two classes, or a class that cannot be read, is dealt with by `bad_records`
/// Cost      one pass over the headers and the classes, or over the cached index; 24 bytes and the member's name of memory per
///           sample, so that 10^8 samples with names of 13 bytes take 3.7 GB
/// Throws    DataError naming shard, key and offset if a shard is missing, compressed, no tar, or cut short, or a key lacks its picture
///           or class (unless skip_incomplete)
std::shared_ptr<const ImageDataset> open_tar_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records = {});

/// What `path` calls for: a folder, a list (*.csv, *.tsv), an IDX image file (see open_idx), or else shards; or all that `mixture`
/// names, as one (see mixed_images); with quarter turns if asked.
std::shared_ptr<const ImageDataset> open_images(const ImageSourceConfig& config, const DecodeOptions& decode,
                                                const BadRecordConfig& bad_records = {});

}  // namespace lodestone
