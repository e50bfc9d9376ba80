#pragma once

#include <concepts>
#include <string>

#include <nlohmann/json.hpp>

namespace lodestone {

/// Writes JSON as text; the only JSON writer of the program. Names of files and classes need not be UTF-8,
/// and must not stop the work: each byte that is not UTF-8 becomes U+FFFD. `indent` is the spaces per level;
/// -1: all on one line.
std::string json_text(const nlohmann::json& value, int indent = -1);
/// The same, with members in the order of insertion.
template <std::same_as<nlohmann::ordered_json> Json>
std::string json_text(const Json& value, int indent = -1);

}  // namespace lodestone
