#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "trainer/encoders/exported/names.h"

namespace lodestone::encoders::exported {

/// One node of the file's graph: an operator, its arguments, and the names of its results. It refers to the
/// JSON that it was made from.
class Node {
 public:
  /// Throws DataError, or nlohmann::json::exception where the file lacks what a node has.
  explicit Node(const nlohmann::json& node);

  const std::string& target() const { return target_; }  ///< "torch.ops.aten.conv2d.default"
  const std::string& module() const { return module_; }  ///< "encoder.layer.0", as the model names it
  /// Null if the node does not give it.
  const nlohmann::json* argument(const std::string& name) const;
  /// Throws DataError if the node does not give it.
  const nlohmann::json& given(const std::string& name) const;
  const nlohmann::json& argument(size_t index) const {
    return *by_position_.at(index);
  }  ///< throws std::out_of_range
  size_t arguments() const { return by_position_.size(); }
  /// New slots of the results, in order; a list of tensors counts as its tensors.
  std::vector<Slot> add_results(Names& names) const;
  /// The slot of the only result. Throws DataError if there are none or several.
  Slot only(const std::vector<Slot>& results) const;
  /// Is the only result a list of tensors?
  bool returns_list() const { return returns_list_; }

 private:
  std::string target_, module_;
  std::map<std::string, const nlohmann::json*> by_name_;
  std::vector<const nlohmann::json*> by_position_;
  std::vector<std::string> results_;  // "" for none
  bool returns_list_ = false;
};

}  // namespace lodestone::encoders::exported
