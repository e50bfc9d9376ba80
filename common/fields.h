#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"

namespace lodestone {

/// The description of a configuration field, stated once; reading, writing, --set, the reference and the
/// schema all use it.
struct FieldInfo {
  const char* name;                       ///< the key in YAML
  const char* doc;                        ///< one sentence, no full stop
  const char* unit = "";                  ///< "seconds", "degrees", "pixels", … or empty
  std::optional<double> min = {};         ///< smallest value allowed, inclusive
  std::optional<double> max = {};         ///< largest value allowed, inclusive
  std::vector<const char*> choices = {};  ///< for strings: the only values allowed, when not empty
};

/// The member that a field reads into and is written from. An empty optional means "not set" (`null` in
/// YAML).
using FieldValue =
    std::variant<bool*, int64_t*, double*, std::string*, std::vector<int64_t>*, std::vector<double>*,
                 std::vector<std::string>*, std::optional<int64_t>*, std::optional<double>*>;

class SlotBase;

/// Visits the fields of a configuration struct. The struct lists them once; every reader and writer is a
/// Fields.
///
///     struct MarginConfig {
///       double margin = 0.2;
///       std::string distance = "cosine";
///
///       void visit(Fields& f) {
///         f.field({"margin", "smallest distance of a negative", "", 0.0}, &margin);
///         f.field({.name = "distance", .doc = "between rows", .choices = {"cosine", "l2"}}, &distance);
///       }
///     };
///
///     MarginConfig config;
///     const auto visit = [&](Fields& f) { config.visit(f); };
///     read_fields(parse_yaml("margin: 0.5", "run.yaml"), visit);  // config.margin == 0.5
///     write_yaml(visit);                                          // "margin: 0.5\ndistance: cosine\n"
class Fields {
 public:
  virtual ~Fields() = default;
  /// Visits one key: its description and the member that has its value.
  virtual void field(const FieldInfo& info, FieldValue value) = 0;
  /// Visits a nested mapping; `visit_members` visits its members.
  virtual void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) = 0;
  /// Visits a mapping whose `name:` selects a row of a table (a loss, a miner, an encoder …) and whose other
  /// keys belong to that row.
  virtual void slot(const FieldInfo& info, SlotBase& slot) = 0;

  /// Visits a nested struct that has a visit method of its own.
  template <typename Struct>
  void nested(const FieldInfo& info, Struct& member) {
    group(info, [&member](Fields& f) { member.visit(f); });
  }
};

/// One row of a table of implementations: its name, a description, and a function that makes one with default
/// settings.
template <typename Interface>
struct TableRow {
  const char* name;
  const char* doc;
  std::unique_ptr<Interface> (*make)();
};

template <typename Interface, typename Implementation>
std::unique_ptr<Interface> make_row() {
  return std::make_unique<Implementation>();
}

/// A configuration slot of any interface, for readers and writers.
class SlotBase {
 public:
  virtual ~SlotBase() = default;
  virtual std::vector<std::string> names() const = 0;
  virtual const char* doc(std::string_view name) const = 0;
  virtual const std::string& name() const = 0;
  /// Replaces the current implementation by a new one with default settings. Requires: name is one of
  /// names().
  virtual void choose(std::string_view name) = 0;
  virtual void visit(Fields& f) = 0;
};

/// Owns the selected implementation of Interface, which has `void visit(Fields&)`; its settings are its
/// members.
template <typename Interface>
class Slot : public SlotBase {
 public:
  Slot(std::span<const TableRow<Interface>> table, std::string_view first) : table_(table) { choose(first); }

  Interface& operator*() const { return *value_; }
  Interface* operator->() const { return value_.get(); }

  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const auto& row : table_) all.emplace_back(row.name);
    return all;
  }
  const char* doc(std::string_view name) const override { return row(name).doc; }
  const std::string& name() const override { return name_; }
  void choose(std::string_view name) override {
    value_ = row(name).make();
    name_ = name;
  }
  void visit(Fields& f) override { value_->visit(f); }

 private:
  const TableRow<Interface>& row(std::string_view name) const {
    for (const auto& candidate : table_)
      if (name == candidate.name) return candidate;
    throw ConfigError("unknown name '" + std::string(name) + "'");
  }

  std::span<const TableRow<Interface>> table_;
  std::string name_;
  std::unique_ptr<Interface> value_;
};

/// The candidate with the smallest edit distance to `word`, or "" if none is near (more than half of its
/// letters differ).
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace lodestone
