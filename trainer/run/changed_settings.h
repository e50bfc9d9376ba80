#pragma once

#include <string>

namespace lodestone::run {

/// The lines of `yaml` that `defaults` does not contain, below the keys that they belong to: the
/// settings that were changed. Both are as write_yaml returns them. The `name:` of a loss, miner
/// or encoder is always included.
std::string changed_settings(const std::string& yaml, const std::string& defaults);

}  // namespace lodestone::run
