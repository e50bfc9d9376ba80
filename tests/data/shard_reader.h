#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "trainer/data/split.h"

namespace lodestone {
using namespace data;

/// One member of a shard: name and bytes.
using Member = std::pair<std::string, std::string>;

/// The members of a tar file in their order.
std::vector<Member> read_shard(const std::filesystem::path& path);

/// What KEY.json says of a sample, and KEY.png's bytes.
struct Sample {
  std::string key, label, group, script, typeface, png;
};

/// All samples of one split's shards in a folder.
std::vector<Sample> read_split(const std::filesystem::path& folder, Split split);

/// Every file's bytes in a folder, by name.
std::map<std::string, std::string> read_folder(const std::filesystem::path& folder);

}  // namespace lodestone
