#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json_fwd.hpp>

namespace lodestone::encoders::exported {

/// The key and the value of an object that says its kind by its only key, as {"as_int": 3}. Throws DataError
/// for anything else.
std::pair<std::string, const nlohmann::json*> kind_and_value(const nlohmann::json& object);

/// The element type of a number in the file's numbering. Throws DataError for one that LibTorch lacks here.
at::ScalarType element_type(const nlohmann::json& number);

/// A floating-point number, which the file writes as text if it is infinite or not a number.
double float_of(const nlohmann::json& value);

/// A size as the file has it: the number, or nullopt and its expression if it depends on the input.
struct SymbolicSize {
  std::optional<int64_t> number;
  std::string expression;
};

/// What the file says about a tensor.
struct TensorNote {
  at::ScalarType type = at::kFloat;
  std::vector<SymbolicSize> sizes;

  bool is_integer() const { return c10::isIntegralType(type, /*includeBool=*/true); }
};

TensorNote tensor_note(const nlohmann::json& meta);

/// How many rows of a tensor's first axis belong to a row of the batch: 1 if its size is the batch's, k if it
/// is k times that (windows of an image); nullopt if the first axis is something else.
std::optional<int64_t> rows_per_row(const SymbolicSize& first, const SymbolicSize& batch);

}  // namespace lodestone::encoders::exported
