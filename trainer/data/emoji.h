#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "common/log.h"
#include "trainer/data/shard_writer.h"
#include "trainer/data/split.h"

namespace lodestone::data {

struct EmojiOptions {
  std::filesystem::path output;  ///< folder for the shards; created if it is missing
  /// With annotations/ and annotationsDerived/.
  std::filesystem::path source = "/usr/share/unicode/cldr/common";
  std::filesystem::path font = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";
  int image_size = 64;  ///< pixels, 16 to 128
  int limit = 0;        ///< greatest number of emoji (the first ones); 0: all
  int threads = 0;      ///< 0: as many as the host has
};

/// The counts of one split of the data set.
struct EmojiSplit {
  int64_t images = 0;
  int64_t captions = 0;
  int64_t families = 0;
  ShardFile shard;
};

struct EmojiReport {
  std::array<EmojiSplit, 3> splits;  ///< by Split
  int64_t repeated = 0;              ///< images left out because they equal another one
};

/// Makes a data set of images and captions: emoji as the font draws them, on white, with the English names
/// and keywords of Unicode's locale data. Siblings (emoji_family.h) are in one split, and so are emoji whose
/// images look alike. The bytes depend only on font, names, options and the versions of FreeType, HarfBuzz
/// and zlib, not on threads.
/// Output    train-00000.tar, validation-00000.tar, test-00000.tar in the WebDataset layout: KEY.png (RGB),
///           KEY.json {"captions": [name, keywords], "class": name, "group": family}; and, last, emoji.json
/// Cost      6 s on one core; 200 MB of memory
/// Throws    ConfigError for options out of range, DataError if font or names are missing (naming the
///           package) or the output folder holds shards of another origin, IoError
EmojiReport make_emoji(const EmojiOptions& options, const Log& log);

}  // namespace lodestone::data
