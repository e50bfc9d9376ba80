#pragma once

#include <string>

namespace lodestone {

/// Of YAML as write_yaml makes it, the lines that `defaults`, made likewise, has not: settings that were changed, below the keys that
/// they belong to. The `name:` of a loss, miner or encoder stays in any case.
std::string changed_settings(const std::string& yaml, const std::string& defaults);

}  // namespace lodestone
