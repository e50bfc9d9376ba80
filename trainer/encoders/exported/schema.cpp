#include "trainer/encoders/exported/schema.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json_text.h"

namespace lodestone::encoders::exported {

std::pair<std::string, const nlohmann::json*> kind_and_value(const nlohmann::json& object) {
  if (!object.is_object() || object.empty())
    throw DataError("exported: expected an object that names its kind, got " +
                    std::string(object.is_object() ? "an empty one" : object.type_name()) +
                    "; save the program again");
  return {object.begin().key(), &object.begin().value()};
}

// torch/_export/serde/schema.py numbers element types from 0, "unknown"; ATen's numbers differ.
at::ScalarType element_type(const nlohmann::json& number) {
  switch (number.get<int64_t>()) {
    case 1:
      return at::kByte;
    case 2:
      return at::kChar;
    case 3:
      return at::kShort;
    case 4:
      return at::kInt;
    case 5:
      return at::kLong;
    case 6:
      return at::kHalf;
    case 7:
      return at::kFloat;
    case 8:
      return at::kDouble;
    case 10:
      return at::kComplexFloat;
    case 11:
      return at::kComplexDouble;
    case 12:
      return at::kBool;
    case 13:
      return at::kBFloat16;
    default:
      throw DataError("exported: expected floating-point, integer or Boolean tensors, got element type " +
                      json_text(number) + "; export a model without quantised weights");
  }
}

double float_of(const nlohmann::json& value) {
  if (value.is_number()) return value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  throw DataError("exported: expected a number, got '" + text + "'; export the program again");
}

TensorNote tensor_note(const nlohmann::json& meta) {
  TensorNote note;
  note.type = element_type(meta.at("dtype"));
  for (const auto& size : meta.at("sizes")) {
    if (size.contains("as_int"))
      note.sizes.push_back({size.at("as_int").get<int64_t>(), {}});
    else
      note.sizes.push_back({std::nullopt, size.at("as_expr").at("expr_str").get<std::string>()});
  }
  return note;
}

std::optional<int64_t> rows_per_row(const SymbolicSize& first, const SymbolicSize& batch) {
  if (first.number || batch.number) return std::nullopt;
  if (first.expression == batch.expression) return 1;
  // SymPy's form of a product: Mul(Integer(4), Symbol('s77', …)).
  const std::string begin = "Mul(Integer(", middle = "), " + batch.expression + ")";
  if (!first.expression.starts_with(begin) || !first.expression.ends_with(middle)) return std::nullopt;
  int64_t factor = 0;
  const char* from = first.expression.data() + begin.size();
  const char* to = first.expression.data() + first.expression.size() - middle.size();
  const auto [end, error] = std::from_chars(from, to, factor);
  if (error != std::errc() || end != to || factor < 1) return std::nullopt;
  return factor;
}

}  // namespace lodestone::encoders::exported
