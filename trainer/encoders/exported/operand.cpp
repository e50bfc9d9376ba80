#include "trainer/encoders/exported/operand.h"

#include <array>

#include <ATen/ScalarOps.h>
#include <nlohmann/json.hpp>

#include "trainer/encoders/exported/schema.h"

namespace lodestone::encoders::exported {

namespace {

using nlohmann::json;

// A number where an operator wants a tensor: it takes part in type promotion as a Python number.
at::Tensor wrapped(const at::Scalar& number) {
  at::Tensor x = at::scalar_to_tensor(number);
  x.unsafeGetTensorImpl()->set_wrapped_number(true);
  return x;
}

template <typename T>
c10::IValue list_of(const json& values) {
  c10::List<T> list;
  for (const json& value : values) list.push_back(value.get<T>());
  return list;
}

bool is_list(const std::string& kind) {
  return kind == "as_tensors" || kind == "as_optional_tensors" || kind == "as_sym_ints" ||
         kind == "as_sym_floats";
}

c10::IValue constant_of(const std::string& kind, const json& value) {
  if (kind == "as_none") return {};
  if (kind == "as_int") return value.get<int64_t>();
  if (kind == "as_float") return float_of(value);
  if (kind == "as_bool") return value.get<bool>();
  if (kind == "as_string") return value.get<std::string>();
  if (kind == "as_ints") return list_of<int64_t>(value);
  if (kind == "as_floats") return list_of<double>(value);
  if (kind == "as_bools") return list_of<bool>(value);
  if (kind == "as_scalar_type") return static_cast<int64_t>(element_type(value));
  if (kind == "as_layout") return static_cast<int64_t>(at::kStrided);
  // Serialised formats are numbered from 1, after one that is unknown.
  if (kind == "as_memory_format") return value.get<int64_t>() - 1;
  throw DataError("exported: expected arguments that are tensors, numbers, texts or lists of them, got " +
                  kind + "; export a model without control flow and objects of its own");
}

}  // namespace

Operand::Operand(const json& argument, const Names& names, const c10::TypePtr& type) {
  const auto [kind, given] = kind_and_value(argument);
  const json& value = *given;
  if (kind == "as_tensor") {
    kind_ = Kind::kSlot;
    items_.push_back({names.of(value.at("name").get<std::string>()), {}});
  } else if (kind == "as_optional_tensor") {
    if (value.contains("as_tensor")) {
      kind_ = Kind::kSlot;
      items_.push_back({names.of(value.at("as_tensor").at("name").get<std::string>()), {}});
    }
  } else if ((kind == "as_sym_int" || kind == "as_sym_bool" || kind == "as_sym_float") &&
             value.contains("as_name")) {
    kind_ = Kind::kSlot;
    items_.push_back({names.of(value.at("as_name").get<std::string>()), {}});
  } else if (kind == "as_sym_int" || kind == "as_sym_bool" || kind == "as_sym_float") {
    const auto [number, content] = kind_and_value(value);
    constant_ = constant_of(number, *content);
  } else if (is_list(kind)) {
    kind_ = kind == "as_tensors"            ? Kind::kTensors
            : kind == "as_optional_tensors" ? Kind::kOptionalTensors
            : kind == "as_sym_ints"         ? Kind::kInts
                                            : Kind::kFloats;
    read_list(value, names);
  } else if (kind == "as_device") {
    kind_ = Kind::kDevice;
  } else if (kind == "as_scalar_type" && element_type(value) == at::kFloat) {
    kind_ = Kind::kFloatType;
  } else {
    constant_ = constant_of(kind, value);
  }
  fit(type);
}

void Operand::read_list(const json& list, const Names& names) {
  for (const json& entry : list) {
    if (entry.contains("name"))
      items_.push_back({names.of(entry.at("name").get<std::string>()), {}});
    else if (entry.contains("as_name"))
      items_.push_back({names.of(entry.at("as_name").get<std::string>()), {}});
    else if (entry.contains("as_tensor"))
      items_.push_back({names.of(entry.at("as_tensor").at("name").get<std::string>()), {}});
    else if (const auto [kind, value] = kind_and_value(entry); true)
      items_.push_back({kNoSlot, constant_of(kind, *value)});
  }
}

// Numbers in the form that the schema asks for: the file writes 1 where the operator takes 1.0 or a tensor.
void Operand::fit(const c10::TypePtr& given) {
  if (!given) return;
  const auto optional = given->cast<c10::OptionalType>();
  const c10::TypePtr type = optional ? optional->getElementType() : given;
  wants_tensor_ = type->kind() == c10::TypeKind::TensorType;
  wants_float_ = type->kind() == c10::TypeKind::FloatType;
  if (kind_ != Kind::kConstant) return;
  if (wants_float_ && constant_.isInt()) constant_ = static_cast<double>(constant_.toInt());
  if (wants_tensor_ && constant_.isScalar()) constant_ = wrapped(constant_.toScalar());
  wants_tensor_ = wants_float_ = false;
}

c10::IValue Operand::value(const Frame& frame) const {
  switch (kind_) {
    case Kind::kConstant:
      return constant_;
    case Kind::kDevice:
      return frame.device;
    case Kind::kFloatType:
      return static_cast<int64_t>(frame.float_type);
    case Kind::kSlot: {
      const c10::IValue& found = items_[0].in(frame);
      if (wants_tensor_ && found.isScalar()) return wrapped(found.toScalar());
      if (wants_float_ && found.isInt()) return static_cast<double>(found.toInt());
      return found;
    }
    case Kind::kTensors: {
      c10::List<at::Tensor> list;
      list.reserve(items_.size());
      for (const Item& item : items_) list.push_back(item.in(frame).toTensor());
      return list;
    }
    case Kind::kOptionalTensors: {
      c10::List<std::optional<at::Tensor>> list;
      for (const Item& item : items_)
        list.push_back(item.slot == kNoSlot ? std::nullopt : std::optional(item.in(frame).toTensor()));
      return list;
    }
    case Kind::kInts: {
      c10::List<int64_t> list;
      list.reserve(items_.size());
      for (const Item& item : items_) list.push_back(item.in(frame).toInt());
      return list;
    }
    case Kind::kFloats: {
      c10::List<double> list;
      for (const Item& item : items_) list.push_back(item.in(frame).toScalar().toDouble());
      return list;
    }
  }
  return {};
}

std::vector<Slot> Operand::slots() const {
  std::vector<Slot> all;
  for (const Item& item : items_)
    if (item.slot != kNoSlot) all.push_back(item.slot);
  return all;
}

}  // namespace lodestone::encoders::exported
