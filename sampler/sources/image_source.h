#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/fields.h"
#include "sampler/bad_records.h"
#include "sampler/codecs/decode.h"
#include "sampler/dataset.h"
#include "sampler/other_columns.h"
#include "sampler/sources/data_part.h"
#include "sampler/sources/index_cache.h"

namespace lodestone::sampler {

/// Where labelled images come from.
struct ImageSourceConfig {
  std::string path;
  std::vector<std::string> mixture;
  std::vector<double> mixture_weights;
  std::string split;
  OtherColumns other_columns = OtherColumns::kRefuse;
  std::vector<std::string> class_filter;
  DataPart part;
  bool quarter_turns = false;
  bool skip_incomplete = false;
  IndexCache index_cache;

  bool empty() const { return path.empty() && mixture.empty(); }
  void visit(Fields& f);
  /// `section` is the key of this source in messages: "data.train".
  /// Throws    ConfigError if path, mixture and mixture_weights contradict each other
  void check(const std::string& section) const;
};

/// Opens a folder of class folders. A class is named by the path of its folder below the root
/// ("Greek/character01"), at any depth up to 8. Links to folders are followed, unless they lead back to a
/// folder above them. Images are recognised by their file names' endings (has_image_ending). Other files,
/// hidden names, devices and FIFOs (which are never opened) are left out and counted in left_out(). Samples
/// are sorted by class name, then by file name. An optional `equivalences.tsv` in the root (class<TAB>group)
/// lists look-alikes.
/// Cost      one walk over the folder; memory for the paths.
/// Throws    DataError if the folder is missing, has no images, has images outside class folders, or the
///           filter leaves no class.
std::shared_ptr<const ImageDataset> open_image_folder(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode);

/// Opens the images directly in a folder, sorted by name, all of one class without a name; null if there are
/// none. Everything else in the folder is counted in left_out().
std::shared_ptr<const ImageDataset> open_loose_images(const std::string& folder, const DecodeOptions& decode);

/// Opens a list of images, *.csv (RFC 4180) or *.tsv. Its header names the columns: `path` (relative to the
/// list's folder) and `label` (the class); optionally `split`, of which config.split selects one, and
/// `is_query` and `is_gallery` (1 or 0, True or False, 1.0, yes …), the sample's role when retrieval is
/// evaluated. These two may be empty; then is_query(i) or is_gallery(i) throws for that row. A row is one
/// line. Images are not opened before they are needed. Names of columns are compared without case; the
/// same spelling comes before others, which are other columns then.
/// Cost      the list is read twice; memory about 23 bytes and the path per sample.
/// Errors    a malformed row is handled by `bad_records`.
/// Throws    DataError naming file and line for a malformed row (unless it is skipped), a missing column, a
///           column `group` (look-alikes need folders or shards), a column twice, a column that is not read
///           (under kIgnore they are counted in left_out()), a path that is absolute or leaves the folder, or
///           if no row remains.
std::shared_ptr<const ImageDataset> open_image_manifest(const ImageSourceConfig& config,
                                                        const DecodeOptions& decode,
                                                        const BadRecordConfig& bad_records = {});

/// Opens tar shards in the WebDataset layout (shard_keys.h has the rule for names): members
/// `key.png|jpg|jpeg|webp|…` with the first that exists of `key.cls` (the class name), `key.json` ({"class":
/// …, optional "group": …}) and `key.txt` (the class name). `path` may have globs and braces,
/// `train-{000..127}.tar`. Shards are read in place: an index of each is built once and cached
/// (shard_index_cache.h; `index_cache`), and get() is one pread. Members that are links or devices, have an
/// absolute name or contain ".." are left out; left_out() has counts and reasons.
/// Cost      one pass over the headers and classes, or over the cached index; memory 24 bytes and the
///           member's name per sample: 3.7 GB for 10^8 samples with names of 13 bytes.
/// Errors    a key with two images or two classes, or a class that cannot be read, is handled by
///           `bad_records`.
/// Throws    DataError naming shard, key and offset if a shard is missing, compressed, truncated or no tar,
///           or a key lacks its image or class (unless skip_incomplete).
std::shared_ptr<const ImageDataset> open_tar_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records = {});

/// Opens `path` in the format that its name says (image_format.h); or the sources of `mixture` as one data
/// set (mixed_images). Takes the configured part of it, then adds quarter turns if configured.
std::shared_ptr<const ImageDataset> open_images(const ImageSourceConfig& config, const DecodeOptions& decode,
                                                const BadRecordConfig& bad_records = {});

}  // namespace lodestone::sampler
