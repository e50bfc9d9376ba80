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
  const char* doc = "";                   ///< one sentence, no full stop
  const char* unit = "";                  ///< "seconds", "degrees", "pixels", … or empty
  std::optional<double> min = {};         ///< smallest value allowed, inclusive
  std::optional<double> max = {};         ///< largest value allowed, inclusive
  std::vector<const char*> choices = {};  ///< for strings and lists of strings: the only values allowed
};

/// The member that a field reads into and is written from. An empty optional means "not set" (`null` in
/// YAML).
using FieldValue =
    std::variant<bool*, int64_t*, double*, std::string*, std::vector<int64_t>*, std::vector<double>*,
                 std::vector<std::string>*, std::optional<int64_t>*, std::optional<double>*>;

/// One value of an enumeration and its name in a configuration.
template <typename Enum>
struct Choice {
  const char* name;
  Enum value;
};

/// The name of `value`; "" if `choices` does not have it.
template <typename Enum, size_t n>
std::string choice_name(Enum value, const Choice<Enum> (&choices)[n]) {
  for (const auto& choice : choices)
    if (choice.value == value) return choice.name;
  return "";
}

/// The value with this name; nullopt if there is none.
template <typename Enum, size_t n>
std::optional<Enum> choice_named(std::string_view name, const Choice<Enum> (&choices)[n]) {
  for (const auto& choice : choices)
    if (choice.name == name) return choice.value;
  return {};
}

/// A setting that may be left to the program.
enum class AutoYesNo { kAuto, kYes, kNo };
inline constexpr Choice<AutoYesNo> kAutoYesNo[] = {
    {"auto", AutoYesNo::kAuto}, {"yes", AutoYesNo::kYes}, {"no", AutoYesNo::kNo}};

class SlotBase;

/// Visits the fields of a configuration struct, which lists them once. Every reader and writer is a Fields.
///
///     enum class Distance { kCosine, kL2 };
///     struct MarginConfig {
///       double margin = 0.2;
///       Distance distance = Distance::kCosine;
///
///       void visit(Fields& f) {
///         f.field({.name = "margin", .doc = "smallest distance of a negative", .min = 0.0}, &margin);
///         f.choice({.name = "distance", .doc = "between rows"}, &distance,
///                  {{"cosine", Distance::kCosine}, {"l2", Distance::kL2}});
///       }
///     };
///     MarginConfig config;
///     const auto visit = [&](Fields& f) { config.visit(f); };
///     read_fields(parse_yaml("margin: 0.5", "run.yaml"), visit);  // config.margin == 0.5
///     write_yaml(visit);                                          // margin: 0.5, distance: "cosine"
///
/// Requires  the texts of a FieldInfo and the members live while they are visited
/// Throws    ConfigError from a reader, for a value that does not fit its FieldInfo
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

  /// Visits a key whose value is the name of one of `choices`. A Fields gets it as a text with info.choices,
  /// so that no Fields has to know enumerations.
  template <typename Enum, size_t n>
  void choice(FieldInfo info, Enum* member, const Choice<Enum> (&choices)[n]) {
    std::string name = choice_name(*member, choices);
    for (const auto& choice : choices) info.choices.push_back(choice.name);
    field(info, &name);
    if (const auto chosen = choice_named(name, choices); chosen && *chosen != *member) *member = *chosen;
  }

  /// The same for a list of names.
  template <typename Enum, size_t n>
  void choice(FieldInfo info, std::vector<Enum>* members, const Choice<Enum> (&choices)[n]) {
    std::vector<std::string> names;
    for (const Enum member : *members) names.push_back(choice_name(member, choices));
    for (const auto& choice : choices) info.choices.push_back(choice.name);
    field(info, &names);
    std::vector<Enum> chosen;
    for (const std::string& name : names)
      if (const auto value = choice_named(name, choices)) chosen.push_back(*value);
    if (chosen != *members) *members = std::move(chosen);
  }

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
