#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lodestone {

/// What a document may contain at most. Each is checked as the text is read, before memory is taken for what lies beyond it.
struct JsonLimits {
  size_t depth = 64;                 ///< mappings and arrays inside one another
  size_t array_items = SIZE_MAX;     ///< directly in one array
  size_t members = size_t{1} << 20;  ///< of one mapping
  size_t values = size_t{1} << 24;   ///< in all: numbers, strings …, mappings and arrays
};

/// Parses JSON from an untrusted file. Beyond the grammar, duplicate keys are refused: readers disagree on
/// which of the two counts. Throws CheckpointError that begins with `name`, the file as the user knows it.
/// Cost      one pass; n bytes take O(n log n) whatever is in them
nlohmann::json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits = {});

/// The same for whoever has more to say of what is expected: nothing if the text isn't what parse_json() takes.
std::optional<nlohmann::json> read_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace lodestone
