#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/fields.h"

namespace lodestone {

/// A configuration file as read: a tree of mappings, sequences and scalars, each with its place.
/// Untrusted input: anchors, aliases, tags, duplicate keys, more than 1 MiB, 32 levels or 2,048 keys and values are refused with
/// the line and column, so that neither cycles nor alias bombs can be built, in milliseconds.
struct ConfigNode;
using ConfigNodePtr = std::shared_ptr<ConfigNode>;

struct ConfigNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  std::string scalar;
  bool quoted = false;
  std::vector<ConfigNodePtr> items;                            ///< of a sequence
  std::vector<std::pair<std::string, ConfigNodePtr>> members;  ///< of a mapping, in file order
  std::string place;                                           ///< "file:line" or "--set key"

  ConfigNodePtr find(std::string_view key) const;
};

/// Reads a YAML file. Throws ConfigError naming file, line and column.
ConfigNodePtr read_yaml_file(const std::string& path);
ConfigNodePtr parse_yaml(const std::string& text, const std::string& file_name);

/// Applies one `--set a.b=c` (c is a YAML scalar or flow sequence). Throws ConfigError if it is malformed.
void apply_set(const ConfigNodePtr& root, const std::string& assignment);

/// Fills the struct that `visit` walks from `root`. Throws ConfigError naming place, path and, for an unknown key,
/// the nearest known one. Keys that are absent leave their member at its default.
void read_fields(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit);

/// The current values of all fields as YAML text that read_fields accepts.
std::string write_yaml(const std::function<void(Fields&)>& visit);

/// Every key with type, default, unit, range and meaning: commented YAML, the alternatives of each slot included.
std::string write_reference(const std::function<void(Fields&)>& visit);

/// The same as a JSON Schema (draft 2020-12).
std::string write_schema(const std::function<void(Fields&)>& visit);

}  // namespace lodestone
