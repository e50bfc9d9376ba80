#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/log.h"
#include "trainer/data/shard_writer.h"
#include "trainer/data/split.h"

namespace lodestone::data {

struct TypefacesOptions {
  std::filesystem::path output;  ///< folder for the shards; created if it is missing
  std::vector<std::filesystem::path> font_roots{
      "/usr/share/fonts"};  ///< searched for font files; folder links are not followed
  uint64_t seed = 1;        ///< seed of the choice among a letter's typefaces
  int image_size = 40;      ///< pixels, 16 to 256; the em is as large
  int min_typefaces = 6;    ///< least number of instances of a class
  int max_typefaces = 20;   ///< greatest number of instances of a class
  int limit = 0;            ///< greatest number of letters of each script (the first ones); 0: all
  int threads = 0;          ///< 0: as many as the host has
};

/// The counts of one split of the data set.
struct SplitReport {
  int64_t classes = 0;
  int64_t groups = 0;         ///< groups of look-alikes; a letter without look-alikes is a group of its own
  int64_t largest_group = 0;  ///< classes in it
  int64_t instances = 0;
  std::vector<std::string> scripts;
  std::vector<std::string> families;
  std::vector<ShardFile> shards;
};

struct TypefacesReport {
  bool cached = false;                ///< the output was already complete and made from the same input
  std::array<SplitReport, 3> splits;  ///< by Split

  const SplitReport& split(Split which) const { return splits[static_cast<size_t>(which)]; }
};

/// Makes a data set of letters from the host's fonts: class = letter ("latin/U+0041"), instance = typeface.
/// Scripts, typeface families and look-alike groups of training, validation and test are disjoint; see
/// docs/data-sets.md. The bytes depend only on fonts, options and the versions of ICU, FreeType and
/// zlib, not on threads. A complete output made from the same input stays as it is. A new output lies in the
/// folder .typefaces-part until it is complete.
/// Output    train-*.tar, validation-*.tar, test-*.tar in the WebDataset layout (KEY.png, KEY.json), and,
///           last, typefaces.json, which marks them complete and records what they were made from
/// Cost      about 20 s on two cores for 4,000 letters; 300 MB of memory
/// Throws    ConfigError for options out of range, DataError if fonts for a split are missing or the output
///           folder holds shards of another origin, IoError if it cannot be written
TypefacesReport make_typefaces(const TypefacesOptions& options, const Log& log);

}  // namespace lodestone::data
