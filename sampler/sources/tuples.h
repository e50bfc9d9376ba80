#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/bad_records.h"
#include "sampler/codecs/decode.h"
#include "sampler/left_out.h"
#include "sampler/sources/index_cache.h"
#include "sampler/tuple.h"

namespace lodestone::sampler {

class ImageDataset;

/// Explicit pairs or triplets and the distinct images in them.
struct TupleSet {
  /// In order of first mention; each image is its own class, named by its path.
  std::shared_ptr<const ImageDataset> images;
  std::vector<Tuple> tuples;     ///< indices into `images`, in file order
  int64_t images_per_tuple = 2;  ///< 2 or 3, the same for all tuples

  LeftOut left_out;                   ///< pairs labelled 0 of an image with itself
  int64_t bad = 0;                    ///< lines left out under on_bad_record: skip
  std::vector<std::string> messages;  ///< about the first 20 of them
};

/// Whether a line of a list with tabs can have this name as a column: it has no tab or line end, does not
/// begin like a comment or with a byte order mark, and is no label (0, 1).
bool is_tuple_column(std::string_view name);

/// Reads a file of pairs, "pathA<TAB>pathB<TAB>0|1", or of triplets, "anchor<TAB>positive<TAB>negative"; in a
/// file named *.csv, commas instead of tabs. Paths are relative to the file's folder and name files or
/// members of tar shards, "a.tar!b.png". Blank lines and lines that start with # are skipped. If the third
/// column of the first line is 0 or 1, the file has pairs; those of an image with itself labelled 0 are left
/// out and counted. `index_cache`: see cached_shard_index.
/// Errors    a bad line is handled by `bad_records`.
/// Throws    DataError naming file and line if a line is malformed, an image is missing, a path is absolute
///           or leaves the folder by "..", a triplet's negative is its anchor or positive, or the file has no
///           tuples.
TupleSet read_tuples(const std::string& path, const DecodeOptions& decode, const IndexCache& index_cache = {},
                     const BadRecordConfig& bad_records = {});

}  // namespace lodestone::sampler
