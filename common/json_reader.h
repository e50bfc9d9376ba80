#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lodestone {

/// What a document may contain at most.
struct JsonLimits {
  size_t depth = 64;              ///< mappings and arrays inside one another
  size_t array_items = SIZE_MAX;  ///< numbers, strings … directly in one array
};

/// Parses JSON from an untrusted file. Beyond the grammar, duplicate keys are refused: readers disagree on
/// which of the two counts. Throws CheckpointError that begins with `name`, the file as the user knows it.
nlohmann::json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits = {});

}  // namespace lodestone
