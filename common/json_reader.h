#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lodestone {

/// Limits on a document. Each is checked during reading, before memory is allocated for what exceeds it.
struct JsonLimits {
  size_t depth = 64;                 ///< nesting of mappings and arrays
  size_t array_items = SIZE_MAX;     ///< items of one array
  size_t members = size_t{1} << 20;  ///< of one mapping
  size_t values = size_t{1} << 24;   ///< in total: numbers, strings …, mappings and arrays
};

/// Parses untrusted JSON. Duplicate keys are refused, since readers disagree on which one counts.
/// Cost      one pass; O(n log n) for n bytes of any content.
/// Throws    CheckpointError that begins with `name`, the file as the user knows it.
nlohmann::json parse_json(std::string_view text, const std::string& name, const JsonLimits& limits = {});

/// The same for callers with their own error message: empty if parse_json() would throw.
std::optional<nlohmann::json> read_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace lodestone
