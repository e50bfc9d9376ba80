#include "trainer/coordinator/checkpoints/config_changes.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "common/yaml.h"

namespace lodestone::coordinator {

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;  // in the order of the file

std::string text_of(const ConfigNode& node) {
  if (node.kind == ConfigNode::Kind::kNull) return "null";
  if (node.kind == ConfigNode::Kind::kScalar) return node.scalar.empty() ? "''" : node.scalar;
  std::string text = "[";
  for (size_t i = 0; i < node.items.size(); ++i) text += (i > 0 ? ", " : "") + text_of(*node.items[i]);
  return text + "]";
}

void flatten(const ConfigNode& node, const std::string& key, Settings& settings) {
  if (node.kind != ConfigNode::Kind::kMapping) {
    settings.emplace_back(key, text_of(node));
    return;
  }
  for (const auto& [name, member] : node.members)
    flatten(*member, key.empty() ? name : key + "." + name, settings);
}

Settings settings_of(const std::string& yaml) {
  Settings settings;
  try {
    if (const auto root = parse_yaml(yaml, "config.yaml")) flatten(*root, "", settings);
  } catch (const ConfigError&) {
    settings.clear();
  }
  return settings;
}

// Settings of where and how fast a run computes, how often it is saved, and what is reported.
bool changes_nothing(std::string_view key) {
  constexpr std::string_view kKeys[] = {"run_dir",        "threads",           "report_to",
                                        "evaluate.every", "evaluate.headline", "evaluate.summary"};
  constexpr std::string_view kBelow[] = {
      "metrics.",          "distributed.",          "checkpoint.", "data.loader.workers",
      "data.loader.depth", "data.loader.cache_mib", "log."};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys) ||
         std::any_of(std::begin(kBelow), std::end(kBelow),
                     [key](std::string_view start) { return key.starts_with(start); }) ||
         key.ends_with(".index_cache");
}

}  // namespace

std::vector<std::string> config_changes(const std::string& before_yaml, const std::string& now_yaml) {
  std::map<std::string, std::string> before;
  for (const auto& [key, value] : settings_of(before_yaml)) before.emplace(key, value);
  std::vector<std::string> changes;
  for (const auto& [key, value] : settings_of(now_yaml)) {
    const auto found = before.find(key);
    if (found != before.end() && found->second != value && !changes_nothing(key))
      changes.push_back(key + ": " + found->second + " -> " + value);
  }
  return changes;
}

std::string config_value(const std::string& yaml, const std::string& key) {
  for (const auto& [name, value] : settings_of(yaml))
    if (name == key) return value;
  return {};
}

}  // namespace lodestone::coordinator
