#pragma once

#include <string>
#include <vector>

namespace lodestone::coordinator {

/// "key: before -> now" for each setting that differs between two resolved configurations and changes what
/// the run computes. Settings that only say where or how fast it runs, or what is reported, are left out. A
/// configuration that cannot be parsed counts as having no settings.
std::vector<std::string> config_changes(const std::string& before_yaml, const std::string& now_yaml);

/// The value of one setting ("sampler.name") as text; empty if it is absent.
std::string config_value(const std::string& yaml, const std::string& key);

}  // namespace lodestone::coordinator
