#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/config_faults.h"
#include "common/fields.h"

namespace lodestone {

/// A configuration file as a tree of mappings, sequences and scalars, each with its place in the file.
/// Limits    the input is untrusted: anchors, aliases, tags, duplicate keys, more than 1 MiB, more than 32
///           levels and more than 2,048 keys and values are refused with line and column. So neither cycles
///           nor alias bombs are possible, and reading takes milliseconds.
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
  int line = 0;                                                ///< in the file; 0: not from a file
  bool removed = false;  ///< the value of a file that `--set key=` took away

  ConfigNodePtr find(std::string_view key) const;
};

/// Reads a YAML file. Throws ConfigError naming file, line and column.
ConfigNodePtr read_yaml_file(const std::string& path);
/// Reads YAML from a text; `file_name` is for messages.
ConfigNodePtr parse_yaml(const std::string& text, const std::string& file_name);

/// Applies one `--set a.b=c` (c is a YAML scalar or flow sequence). `a.b=` removes what the file has there,
/// so that the default counts. Throws ConfigError if it is malformed.
void apply_set(const ConfigNodePtr& root, const std::string& assignment);

/// Reads the values of `root` into the struct that `visit` visits; absent keys, and those with a fault, leave
/// their members at the default. A fault names place, path and, for an unknown key, the nearest known one,
/// its place elsewhere, or the alternatives of the slot that have it.
void read_fields(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit, ConfigFaults& faults);
/// The same, with one error for all faults.
/// Throws    ConfigError
void read_fields(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit);

/// The current values of all fields as YAML that read_fields accepts.
std::string write_yaml(const std::function<void(Fields&)>& visit);

/// The same for an object with visit(Fields&). Writing only reads the object, so that it may be const.
template <typename Object>
std::string write_settings(const Object& object) {
  return write_yaml([&object](Fields& f) { const_cast<Object&>(object).visit(f); });
}

/// All keys with type, default, unit, range and meaning, as commented YAML with the alternatives of each
/// slot.
std::string write_reference(const std::function<void(Fields&)>& visit);

/// All keys as a JSON Schema (draft 2020-12).
std::string write_schema(const std::function<void(Fields&)>& visit);

}  // namespace lodestone
