#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>
#include <nlohmann/json.hpp>
#include <torch/version.h>

#include "trainer/encoders/exported/reading.h"

namespace lodestone::encoders::exported {

namespace {

/// Calls an operator of LibTorch with autograd and autocast, as Python does.
class Call : public Operation {
 public:
  Call(const c10::OperatorHandle& handle, const Node& node, const Reading& reading, std::vector<Slot> results)
      : operator_(handle), results_(std::move(results)), returns_list_(node.returns_list()) {
    for (const c10::Argument& argument : operator_.schema().arguments()) {
      const nlohmann::json* given = node.argument(argument.name());
      if (argument.name() == "training" || argument.name() == "train") training_ = operands_.size();
      operands_.push_back(given != nullptr ? Operand(*given, reading.names, argument.type())
                                           : Operand(argument.default_value().value_or(c10::IValue())));
      const auto slots = operands_.back().slots();
      const bool writes = argument.alias_info() != nullptr && argument.alias_info()->isWrite();
      // num_batches_tracked += 1, and statistics of norms that are written out.
      if (writes && slots.size() == 1 && reading.states.contains(slots[0])) written_state_ = slots[0];
    }
  }

  std::vector<Slot> reads() const {
    std::vector<Slot> all;
    for (const Operand& operand : operands_)
      for (const Slot slot : operand.slots()) all.push_back(slot);
    return all;
  }

  void run(Frame& frame) const override {
    if (written_state_ && !frame.updates_statistics()) {
      if (results_.size() == 1 && results_[0] != kNoSlot) frame[results_[0]] = frame[*written_state_];
      return;
    }
    torch::jit::Stack stack;
    stack.reserve(std::max(operands_.size(), results_.size()));
    for (size_t i = 0; i < operands_.size(); ++i) {
      stack.push_back(operands_[i].value(frame));
      if (training_ == i && !frame.mode.training) stack.back() = false;
    }
    operator_.callBoxed(stack);
    store(frame, stack);
  }

 private:
  void store(Frame& frame, const torch::jit::Stack& stack) const {
    if (returns_list_) {
      const c10::List<at::Tensor> list = stack.at(0).toTensorList();
      for (size_t i = 0; i < results_.size(); ++i) put(frame, results_[i], list.get(i));
      return;
    }
    for (size_t i = 0; i < results_.size(); ++i) put(frame, results_[i], stack.at(i));
  }
  static void put(Frame& frame, Slot slot, const c10::IValue& value) {
    if (slot == kNoSlot) return;
    frame[slot] = value.isSymInt() ? c10::IValue(value.toSymInt().guard_int(__FILE__, __LINE__)) : value;
  }

  c10::OperatorHandle operator_;
  std::vector<Operand> operands_;
  std::vector<Slot> results_;
  std::optional<size_t> training_;
  std::optional<Slot> written_state_;
  bool returns_list_ = false;
};

// Operators that reach beyond their arguments.
constexpr std::array kNever = {"aten::from_file",  "aten::as_strided",    "aten::set_", "aten::resize_",
                               "aten::resize_as_", "aten::record_stream", "aten::save", "aten::_print"};

// Operators that no model's forward pass has when it is exported for training, and whose kernels trust their
// arguments: gradients, and kernels of one library.
constexpr std::array kNeverParts = {"_backward", "fbgemm", "mkldnn", "quantize", "sparse", "cudnn", "miopen"};

// An index by a mask selects as many elements as the mask has; one by numbers does not.
bool indexes_by_numbers(const Node& node, const Reading& reading) {
  const nlohmann::json* indices = node.argument("indices");
  if (node.target() != "torch.ops.aten.index.Tensor" || indices == nullptr) return false;
  for (const auto& index : *kind_and_value(*indices).second) {
    const auto tensor = index.contains("as_tensor") ? index.at("as_tensor") : index;
    if (!tensor.contains("name")) continue;
    const auto type = reading.type_of(tensor.at("name").get<std::string>());
    if (type == at::kBool || type == at::kByte) return false;
  }
  return true;
}

std::string refusal(const c10::OperatorHandle& handle, const Node& node, const Reading& reading) {
  const std::string& name = handle.schema().name();
  const bool trusts = std::ranges::any_of(
      kNeverParts, [&](const char* part) { return name.find(part) != std::string::npos; });
  if (trusts)
    return "the operator " + name +
           ", which is a part of a gradient or of one library's kernels; export the model before it is "
           "compiled or differentiated";
  if (std::ranges::find(kNever, std::string_view(name)) != kNever.end())
    return "the operator " + name + ", which reaches beyond the program; export a model without it";
  const bool by_values =
      handle.hasTag(at::Tag::data_dependent_output) || handle.hasTag(at::Tag::dynamic_output_shape);
  if (by_values && !indexes_by_numbers(node, reading))
    return "the operator " + name +
           ", whose result's shape or control flow depends on values; write the model with masks instead";
  if (handle.hasTag(at::Tag::nondeterministic_seeded))
    return "the operator " + name +
           ", which draws random numbers that other ranks cannot draw again; use torch.nn.Dropout, or draw "
           "with bernoulli_(p)";
  return {};
}

[[noreturn]] void refuse(const Node& node, const std::string& found) {
  throw DataError("exported: expected a program of operators of aten, got " + found +
                  (node.module().empty() ? "" : " (in module " + node.module() + ")"));
}

c10::OperatorHandle handle_of(const Node& node) {
  constexpr std::string_view kBegin = "torch.ops.aten.";
  const std::string& target = node.target();
  const size_t last = target.rfind('.');
  if (!target.starts_with(kBegin) || last < kBegin.size())
    refuse(node, "'" + target + "'" +
                     (target.starts_with("torch.ops.higher_order.")
                          ? ", which is control flow or a changed mode; export a model without it"
                          : "; export the model without operators of other libraries"));
  const std::string name = "aten::" + target.substr(kBegin.size(), last - kBegin.size());
  const std::string overload = target.substr(last + 1);
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload == "default" ? "" : overload});
  if (!found)
    refuse(node,
           "'" + target + "', which LibTorch " TORCH_VERSION " lacks; export with that version of PyTorch");
  return *found;
}

}  // namespace

Read read_call(const Node& node, Reading& reading, std::vector<Slot> results) {
  const c10::OperatorHandle handle = handle_of(node);
  if (const std::string found = refusal(handle, node, reading); !found.empty()) refuse(node, found);
  auto call = std::make_unique<Call>(handle, node, reading, std::move(results));
  auto reads = call->reads();
  return {std::move(call), std::move(reads), {}};
}

}  // namespace lodestone::encoders::exported
