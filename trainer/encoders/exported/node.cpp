#include "trainer/encoders/exported/node.h"

#include <nlohmann/json.hpp>

#include "trainer/encoders/exported/schema.h"

namespace lodestone::encoders::exported {

namespace {

// Of real models it is far shorter; what is kept of a node stays in proportion to the file.
constexpr size_t kLongestPath = 512;

// The path of the innermost module: the file's stack reads "L__self__,,M;L__self___a,a,A;…", path second.
std::string innermost_module(const nlohmann::json& node) {
  const auto metadata = node.find("metadata");
  if (metadata == node.end() || !metadata->contains("nn_module_stack")) return {};
  const std::string stack = metadata->at("nn_module_stack").get<std::string>();
  const size_t last = stack.rfind(';') + 1;  // 0 if there is none
  const size_t path = stack.find(',', last);
  if (path == std::string::npos) return {};
  const std::string innermost = stack.substr(path + 1, stack.find(',', path + 1) - path - 1);
  if (innermost.size() > kLongestPath)
    throw DataError("exported: expected paths of modules of at most " + std::to_string(kLongestPath) +
                    " bytes, got one of " + std::to_string(innermost.size()) + "; export the program again");
  return innermost;
}

std::string result_name(const nlohmann::json& result) {
  if (result.contains("as_tensor")) return result.at("as_tensor").at("name").get<std::string>();
  for (const char* kind : {"as_sym_int", "as_sym_bool", "as_sym_float"})
    if (result.contains(kind)) return result.at(kind).at("as_name").get<std::string>();
  if (result.contains("as_none")) return {};
  throw DataError("exported: expected results that are tensors or sizes, got " +
                  kind_and_value(result).first + "; export a model without control flow");
}

}  // namespace

Node::Node(const nlohmann::json& node)
    : target_(node.at("target").get<std::string>()), module_(innermost_module(node)) {
  for (const auto& input : node.at("inputs")) {
    by_position_.push_back(&input.at("arg"));
    by_name_.emplace(input.at("name").get<std::string>(), &input.at("arg"));
  }
  const auto& results = node.at("outputs");
  returns_list_ = results.size() == 1 && results[0].contains("as_tensors");
  if (returns_list_)
    for (const auto& tensor : results[0].at("as_tensors"))
      results_.push_back(tensor.at("name").get<std::string>());
  else
    for (const auto& result : results) results_.push_back(result_name(result));
}

const nlohmann::json* Node::argument(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const nlohmann::json& Node::given(const std::string& name) const {
  const nlohmann::json* found = argument(name);
  if (found == nullptr)
    throw DataError("exported: expected " + target_ + " with the argument '" + name +
                    "', got it without; save the program again");
  return *found;
}

Slot Node::only(const std::vector<Slot>& results) const {
  if (results.size() != 1)
    throw DataError("exported: expected " + target_ + " with one result, got " +
                    std::to_string(results.size()) + "; save the program again");
  return results[0];
}

std::vector<Slot> Node::add_results(Names& names) const {
  std::vector<Slot> slots;
  for (const std::string& name : results_) slots.push_back(name.empty() ? kNoSlot : names.add(name));
  return slots;
}

}  // namespace lodestone::encoders::exported
