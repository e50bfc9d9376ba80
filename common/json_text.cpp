#include "common/json_text.h"

namespace lodestone {

namespace {

template <typename Json>
std::string text_of(const Json& value, int indent) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

std::string json_text(const nlohmann::json& value, int indent) {
  return text_of(value, indent);
}

template <>
std::string json_text(const nlohmann::ordered_json& value, int indent) {
  return text_of(value, indent);
}

}  // namespace lodestone
