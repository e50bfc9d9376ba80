#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "common/log.h"
#include "trainer/data/shard_writer.h"
#include "trainer/data/split.h"

namespace lodestone {

struct EmojiOptions {
  std::filesystem::path output;  ///< folder for the shards, made if need be
  std::filesystem::path source =
      "/usr/share/unicode/cldr/common";  ///< with annotations/ and annotationsDerived/
  std::filesystem::path font = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";
  int image_size = 64;  ///< pixels, 16 to 128
  int limit = 0;        ///< only the first that many emoji; 0: all
  int threads = 0;      ///< 0: as many as the host has
};

/// One part of the data set in figures.
struct EmojiSplit {
  int64_t pictures = 0;
  int64_t captions = 0;
  int64_t families = 0;
  ShardFile shard;
};

struct EmojiReport {
  std::array<EmojiSplit, 3> splits;  ///< by Split
  int64_t repeated = 0;              ///< pictures left out since they equal another one
};

/// Makes a data set of pictures and captions: emoji as the font draws them, on white, with the English names and keywords of
/// Unicode's locale data. Siblings (emoji_family.h) are in one part together, and so are emoji whose pictures are alike.
/// Output    train-00000.tar, validation-00000.tar, test-00000.tar in the WebDataset layout: KEY.png (RGB), KEY.json {"captions": [name, keywords],
///           "class": name, "group": family}, and last emoji.json. The bytes depend on font, names, options and the versions
///           of FreeType, HarfBuzz and zlib alone, not on threads
/// Cost      6 s on one core; 200 MB of memory
/// Throws    ConfigError for options out of range, DataError if font or names are missing (naming the package) or the output
///           folder holds shards of another origin, IoError
EmojiReport make_emoji(const EmojiOptions& options, const Log& log);

}  // namespace lodestone
