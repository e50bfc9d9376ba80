#include "trainer/encoders/script_graph.h"

#include <optional>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

namespace lodestone::encoders {

namespace {

using torch::jit::Node;

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

void look(at::ArrayRef<const torch::jit::Block*> blocks, ScriptConstants& found) {
  for (const auto* block : blocks)
    for (const Node* node : block->nodes()) {
      if (never_trains(*node)) ++found.never_train[node->kind().toUnqualString()];
      if (node->kind() == c10::prim::Constant)
        if (const auto value = torch::jit::toIValue(node->output()); value && value->isDevice())
          found.devices.insert(value->toDevice().str());
      look(node->blocks(), found);
    }
}

}  // namespace

ScriptConstants constants_of(const torch::jit::Module& module) {
  const auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  ScriptConstants found;
  const torch::jit::Block* whole = graph->block();
  look(whole, found);
  return found;
}

}  // namespace lodestone::encoders
