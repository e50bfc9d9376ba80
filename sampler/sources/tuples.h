#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sampler/bad_records.h"
#include "sampler/codecs/decode.h"
#include "sampler/sources/tuple.h"

namespace lodestone {

class ImageDataset;

/// Explicit pairs or triplets and the distinct pictures they speak of.
struct TupleSet {
  std::shared_ptr<const ImageDataset>
      images;                    ///< in order of first mention; each is its own class, named by its path
  std::vector<Tuple> tuples;     ///< of indices into `images`, in file order
  int64_t images_per_tuple = 2;  ///< 2 or 3, the same for all tuples

  int64_t bad = 0;                    ///< lines left out under on_bad_record: skip
  std::vector<std::string> messages;  ///< of the first 20 of those
};

/// Reads "pathA<TAB>pathB<TAB>0|1" (pairs) or "anchor<TAB>positive<TAB>negative" (triplets); commas instead
/// of tabs in a file named *.csv. Paths are relative to the file's folder, and name files or members of tar shards, "a.tar!b.png";
/// blank lines and lines that start with # are skipped. A third column that is 0 or 1 on the first line makes the file one of pairs.
/// `index_cache`: where shards' indexes are kept, see cached_shard_index.
/// Bad       lines are dealt with by `bad_records`
/// Throws    DataError naming file and line if a line is malformed, a picture is missing, a path is absolute or leaves
///           the folder by "..", a triplet's negative is its anchor or positive, or the file has no tuples
TupleSet read_tuples(const std::string& path, const DecodeOptions& decode,
                     const std::string& index_cache = "auto", const BadRecordConfig& bad_records = {});

}  // namespace lodestone
