#pragma once

#include <string>

#include "common/state.h"
#include "common/tensor_groups.h"

namespace lodestone {

/// Collects handles of the tensors that an object's visit_state lists, by group. Of sharded tensors it has
/// this rank's rows; per-rank tensors are in the group "rank_statistics". Numbers are left out.
///
///     StateHandles handles;
///     trainer.visit_state(handles);                               // of engine::Trainer
///     const TensorMap& model = handles.groups.at("model");        // its weights, by name
class StateHandles : public StateVisitor {
 public:
  TensorGroups groups;

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override {
    groups[group][name] = live;
  }
  void replaceable(const std::string& group, const std::string& name, at::Tensor& value) override {
    groups[group][name] = value;
  }
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override {
    groups[group][name] = rows.own_nX;
  }
  void per_rank(const std::string& name, const at::Tensor& own) override {
    groups["rank_statistics"][name] = own;
  }
  void number(const std::string&, const std::string&, int64_t&) override {}
};

/// For an object whose visit_state needs only the visitor.
template <typename Object>
TensorGroups state_handles(Object& object) {
  StateHandles handles;
  object.visit_state(handles);
  return handles.groups;
}

}  // namespace lodestone
