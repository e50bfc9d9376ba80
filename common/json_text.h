#pragma once

#include <concepts>
#include <string>

#include <nlohmann/json.hpp>

namespace lodestone {

/// JSON as text: the one writer of the program. Names of files and classes need not be UTF-8, and a name must not cost the work that
/// is being written; each byte that is not UTF-8 becomes U+FFFD.
/// indent   spaces a level; -1: all on one line
std::string json_text(const nlohmann::json& value, int indent = -1);
/// The same with the members in the order in which they were put in.
template <std::same_as<nlohmann::ordered_json> Json>
std::string json_text(const Json& value, int indent = -1);

}  // namespace lodestone
