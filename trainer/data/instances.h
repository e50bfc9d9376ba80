#pragma once

#include <filesystem>
#include <vector>

#include "trainer/data/selection.h"
#include "trainer/data/shard_writer.h"

namespace lodestone::data {

/// Draws the instances of one split's letters and writes them to shards `train-00000.tar`, … in `folder`:
/// letter by letter, each as KEY.png (8-bit grey) and KEY.json with class, group, script, typeface and name.
/// The instances of a letter are all in one shard.
std::vector<ShardFile> write_instances(Split split, const std::vector<Letter>& letters,
                                       const std::vector<Typeface>& typefaces, int image_size,
                                       const std::filesystem::path& folder, int threads);

}  // namespace lodestone::data
