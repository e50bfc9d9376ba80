#include "trainer/encoders/script_graph.h"

#include <optional>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

namespace lodestone::encoders {

namespace {

using torch::jit::Node;
using torch::jit::Value;

// The argument of that name, if the operation has one and it is a constant.
std::optional<c10::IValue> constant_argument(const Node& node, const char* name) {
  if (!node.hasNamedInput(name)) return {};
  return torch::jit::toIValue(node.namedInput(name));
}

// Dropout of probability 0 does the same in training and evaluation.
bool drops_nothing(const Node& node) {
  for (const char* name : {"p", "dropout"})
    if (const auto share = constant_argument(node, name);
        share && share->isDouble() && share->toDouble() == 0)
      return true;
  return false;
}

bool never_trains(const Node& node) {
  if (node.maybeSchema() == nullptr || !node.kind().is_aten() || drops_nothing(node)) return false;
  for (const char* name : {"train", "training", "use_input_stats"})
    if (const auto flag = constant_argument(node, name); flag && flag->isBool() && !flag->toBool())
      return true;
  return false;
}

void collect(at::ArrayRef<const torch::jit::Block*> blocks, ScriptConstants& found) {
  for (const auto* block : blocks)
    for (const Node* node : block->nodes()) {
      if (never_trains(*node)) ++found.never_train[node->kind().toUnqualString()];
      if (node->kind() == c10::prim::Constant)
        if (const auto value = torch::jit::toIValue(node->output()); value && value->isDevice())
          found.devices.insert(value->toDevice().str());
      collect(node->blocks(), found);
    }
}

/// Finds the tensors of a module behind the values of its graph.
class ModuleTensors {
 public:
  ModuleTensors(const torch::jit::Module& module, const Value* self) : module_(module), self_(self) {}

  void add_updated(at::ArrayRef<const torch::jit::Block*> blocks) {
    for (const auto* block : blocks)
      for (const Node* node : block->nodes()) {
        for (const char* argument : {"running_mean", "running_var"})
          if (node->maybeSchema() != nullptr && node->hasNamedInput(argument))
            add(node->namedInput(argument));
        if (writes_in_place(*node)) add(node->input(0));
        add_updated(node->blocks());
      }
  }

  std::set<const void*> found;

 private:
  static bool writes_in_place(const Node& node) {
    const std::string_view name = node.kind().toUnqualString();
    return node.kind().is_aten() && name.ends_with('_') && !name.ends_with("__") && !node.inputs().empty();
  }

  // A statistic reaches its norm through branches: `self.running_mean if self.training else None`.
  void add(const Value* value) {
    const Node* node = value->node();
    if (node->kind() == c10::prim::GetAttr) {
      const auto owner = module_of(node->input(0));
      if (!owner) return;
      const c10::IValue attribute = owner->attr(node->s(c10::attr::name));
      if (attribute.isTensor()) found.insert(attribute.toTensor().unsafeGetTensorImpl());
    } else if (node->kind() == c10::prim::If) {
      for (const auto* block : node->blocks()) add(block->outputs()[value->offset()]);
    } else if (node->kind() == c10::prim::unchecked_cast ||
               node->kind() == c10::prim::unchecked_unwrap_optional ||
               node->kind() == c10::aten::_unwrap_optional) {
      add(node->input(0));
    }
  }

  std::optional<torch::jit::Module> module_of(const Value* value) const {
    if (value == self_) return module_;
    const Node* node = value->node();
    if (node->kind() != c10::prim::GetAttr) return {};
    const auto owner = module_of(node->input(0));
    if (!owner) return {};
    const c10::IValue attribute = owner->attr(node->s(c10::attr::name));
    if (!attribute.isModule()) return {};
    return attribute.toModule();
  }

  torch::jit::Module module_;
  const Value* self_;
};

std::shared_ptr<torch::jit::Graph> inlined_forward(const torch::jit::Module& module) {
  auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  return graph;
}

}  // namespace

std::set<const void*> updated_tensors(const torch::jit::Module& module) {
  if (!module.find_method("forward")) return {};  // refused at the first call
  const auto graph = inlined_forward(module);
  ModuleTensors tensors(module, graph->inputs()[0]);
  const torch::jit::Block* whole = graph->block();
  tensors.add_updated(whole);
  return tensors.found;
}

ScriptConstants constants_of(const torch::jit::Module& module) {
  const auto graph = inlined_forward(module);
  ScriptConstants found;
  const torch::jit::Block* whole = graph->block();
  collect(whole, found);
  return found;
}

}  // namespace lodestone::encoders
