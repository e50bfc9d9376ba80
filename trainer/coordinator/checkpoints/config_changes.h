#pragma once

#include <string>
#include <vector>

namespace lodestone {

/// "key: before -> now" for each setting that both resolved configurations have, differently, and that
/// changes what a run does: not those of where and how fast it runs, and what is told of it. A configuration
/// that can't be read has no settings.
std::vector<std::string> config_changes(const std::string& before_yaml, const std::string& now_yaml);

/// The value of one setting ("sampler.name"), as text; empty if it isn't there.
std::string config_value(const std::string& yaml, const std::string& key);

}  // namespace lodestone
