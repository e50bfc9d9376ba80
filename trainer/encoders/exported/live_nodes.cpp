#include "trainer/encoders/exported/live_nodes.h"

#include <algorithm>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace lodestone::encoders::exported {

namespace {

using nlohmann::json;

// The names of values in an argument, a result, or what contains them: {"name": …} and {"as_name": …}.
void add_names(const json& part, std::set<std::string>& names) {
  for (const auto& [key, value] : part.items()) {
    if (value.is_structured())
      add_names(value, names);
    else if (value.is_string() && (key == "name" || key == "as_name"))
      names.insert(value.get<std::string>());
  }
}

// "torch.ops.aten.add_.Tensor" writes into its argument; "torch.ops.aten._to_copy.default" does not.
bool writes(const std::string& target) {
  const size_t last = target.rfind('.');
  return target.starts_with("torch.ops.") && last != std::string::npos && last > 0 && target[last - 1] == '_';
}

}  // namespace

std::vector<const json*> live_nodes(const json& graph, const json& signature) {
  std::set<std::string> read;
  for (const json& spec : signature.at("output_specs")) add_names(spec, read);
  std::vector<const json*> live;
  const json& nodes = graph.at("nodes");
  for (size_t i = nodes.size(); i-- > 0;) {
    const json& node = nodes.at(i);
    std::set<std::string> results;
    add_names(node.at("outputs"), results);
    const bool is_read = std::ranges::any_of(results, [&](const auto& name) { return read.contains(name); });
    if (!is_read && !writes(node.at("target").get<std::string>())) continue;
    for (const json& input : node.at("inputs")) add_names(input.at("arg"), read);
    live.push_back(&node);
  }
  std::ranges::reverse(live);
  return live;
}

}  // namespace lodestone::encoders::exported
