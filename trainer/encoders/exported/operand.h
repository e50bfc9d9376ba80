#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/jit_type.h>
#include <nlohmann/json_fwd.hpp>

#include "trainer/encoders/exported/names.h"
#include "trainer/encoders/exported/operation.h"

namespace lodestone::encoders::exported {

/// One argument of an operator: a constant, a value of the frame, a list of both, or a setting of the run
/// (device and element type), resolved once. `value` costs no look-up.
class Operand {
 public:
  /// A constant that does not come from the program: an operator's default.
  explicit Operand(c10::IValue constant) : constant_(std::move(constant)) {}
  /// An argument as the program's file has it; `type` is that of the operator's schema, null where it has
  /// none. Throws DataError.
  Operand(const nlohmann::json& argument, const Names& names, const c10::TypePtr& type);

  c10::IValue value(const Frame& frame) const;
  /// The slots that it reads.
  std::vector<Slot> slots() const;
  /// The constant, if it is one.
  const c10::IValue* constant() const { return kind_ == Kind::kConstant ? &constant_ : nullptr; }

 private:
  enum class Kind { kConstant, kSlot, kTensors, kOptionalTensors, kInts, kFloats, kDevice, kFloatType };
  struct Item {
    Slot slot = kNoSlot;
    c10::IValue constant;
    const c10::IValue& in(const Frame& frame) const { return slot == kNoSlot ? constant : frame[slot]; }
  };

  void read_list(const nlohmann::json& list, const Names& names);
  void fit(const c10::TypePtr& type);

  Kind kind_ = Kind::kConstant;
  c10::IValue constant_;
  std::vector<Item> items_;
  bool wants_tensor_ = false, wants_float_ = false;
};

}  // namespace lodestone::encoders::exported
