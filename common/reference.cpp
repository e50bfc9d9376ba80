// Writers that visit the same field list as the reader: plain YAML, the commented reference, the JSON Schema.
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/exact_number.h"
#include "common/json_text.h"
#include "common/keys_without_effect.h"
#include "common/text_format.h"
#include "common/yaml.h"

namespace lodestone {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(double value) {
  return exact_number(value);
}
std::string text_of(int64_t value) {
  return std::to_string(value);
}
std::string text_of(bool value) {
  return value ? "true" : "false";
}
// JSON strings are YAML double-quoted scalars.
std::string text_of(const std::string& value) {
  return json_text(value);
}
template <typename T>
std::string text_of(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& value : values) out += (out.size() > 1 ? ", " : "") + text_of(value);
  return out + "]";
}
template <typename T>
std::string text_of(const std::optional<T>& value) {
  return value ? text_of(*value) : "null";
}

template <typename T>
Json schema_of(const T*) {
  if constexpr (std::is_same_v<T, bool>) return {{"type", "boolean"}};
  if constexpr (std::is_same_v<T, int64_t>) return {{"type", "integer"}};
  if constexpr (std::is_same_v<T, double>) return {{"type", "number"}};
  if constexpr (std::is_same_v<T, std::string>) return {{"type", "string"}};
}
template <typename T>
Json schema_of(const std::vector<T>*) {
  return {{"type", "array"}, {"items", schema_of(static_cast<T*>(nullptr))}};
}
template <typename T>
Json schema_of(const std::optional<T>*) {
  Json schema = schema_of(static_cast<T*>(nullptr));
  schema["type"] = Json::array({schema["type"], "null"});
  return schema;
}

class YamlWriter : public Fields, public KeysWithoutEffect {
 public:
  explicit YamlWriter(bool comments) : comments_(comments) {}
  std::string text;

  void field(const FieldInfo& info, FieldValue value) override {
    if (has_no_effect(info)) return commented_out(info, [&] { field(info, value); });
    comment(info.doc, details(info));
    line(std::string(info.name) + ": " + std::visit([](auto* member) { return text_of(*member); }, value));
  }
  void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) override {
    if (has_no_effect(info)) return commented_out(info, [&] { group(info, visit_members); });
    comment(info.doc, "");
    line(std::string(info.name) + ":");
    ++depth_;
    const auto outer = std::exchange(without_effect_, {});
    const size_t before = text.size();
    visit_members(*this);
    --depth_;
    without_effect_ = outer;
    if (text.size() == before) text.replace(text.size() - 1, 1, " {}\n");  // no key has an effect
  }
  // A slot inside a row of another slot is written as chosen: its alternatives are listed in full at their
  // own table.
  void slot(const FieldInfo& info, SlotBase& slot) override {
    if (has_no_effect(info)) return commented_out(info, [&] { this->slot(info, slot); });
    const bool inner = slots_++ > 0;
    const auto outer = std::exchange(without_effect_, {});
    comment(info.doc, inner ? joined(slot.names()) : "");
    line(std::string(info.name) + ":");
    ++depth_;
    const std::string chosen = slot.name();
    row(slot, chosen);
    if (comments_ && !inner) {
      for (const auto& name : slot.names())
        if (name != chosen) {
          slot.choose(name);
          const std::string before = std::exchange(prefix_, "# ");
          row(slot, name);
          prefix_ = before;
        }
      slot.choose(chosen);
    }
    --depth_;
    --slots_;
    without_effect_ = outer;
  }
  void leave_without_effect(std::initializer_list<const char*> keys, const std::string& /*because*/,
                            const char* /*off_switch*/) override {
    without_effect_.insert(keys.begin(), keys.end());
  }

 private:
  bool has_no_effect(const FieldInfo& info) const { return without_effect_.contains(info.name); }
  // The reference lists keys without effect too, but not as settings.
  void commented_out(const FieldInfo& info, const std::function<void()>& write) {
    if (!comments_) return;
    without_effect_.erase(info.name);
    const std::string before = std::exchange(prefix_, "# ");
    write();
    prefix_ = before;
  }

  void row(SlotBase& slot, const std::string& name) {
    comment(slot.doc(name), "");
    line("name: " + text_of(name));
    slot.visit(*this);
  }
  static std::string details(const FieldInfo& info) {
    std::string out = info.unit;
    const auto add = [&out](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
    if (info.min) add(">= " + text_of(*info.min));
    if (info.max) add("<= " + text_of(*info.max));
    for (const char* choice : info.choices) add(choice);
    return out;
  }
  void comment(const std::string& doc, const std::string& more) {
    if (comments_) line("# " + doc + (more.empty() ? "" : " (" + more + ")"));
  }
  void line(const std::string& content) { text += std::string(2 * depth_, ' ') + prefix_ + content + "\n"; }

  bool comments_;
  int depth_ = 0, slots_ = 0;
  std::set<std::string> without_effect_;  // keys of the current mapping, not written as settings
  std::string prefix_;
};

class SchemaWriter : public Fields {
 public:
  Json schema = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};

  void field(const FieldInfo& info, FieldValue value) override {
    Json property = std::visit([](auto* member) { return schema_of(member); }, value);
    property["description"] = std::string(info.doc) + (*info.unit ? std::string(" (") + info.unit + ")" : "");
    property["default"] = std::visit([](auto* member) { return Json::parse(text_of(*member)); }, value);
    Json& limited = property.contains("items") ? property["items"] : property;
    if (info.min) limited["minimum"] = *info.min;
    if (info.max) limited["maximum"] = *info.max;
    if (!info.choices.empty()) limited["enum"] = info.choices;
    schema["properties"][info.name] = std::move(property);
  }
  void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) override {
    SchemaWriter members;
    visit_members(members);
    members.schema["description"] = info.doc;
    schema["properties"][info.name] = std::move(members.schema);
  }
  void slot(const FieldInfo& info, SlotBase& slot) override {
    const std::string chosen = slot.name();
    Json rows = Json::array();
    for (const auto& name : slot.names()) {
      slot.choose(name);
      SchemaWriter members;
      slot.visit(members);
      members.schema["properties"]["name"] = {{"const", name}};
      if (name != chosen) members.schema["required"] = {"name"};
      members.schema["description"] = slot.doc(name);
      rows.push_back(std::move(members.schema));
    }
    slot.choose(chosen);
    rows.push_back({{"type", "string"}, {"enum", slot.names()}});  // the short form: only a name
    schema["properties"][info.name] = {{"description", info.doc}, {"anyOf", std::move(rows)}};
  }
};

}  // namespace

std::string write_yaml(const std::function<void(Fields&)>& visit) {
  YamlWriter writer(false);
  visit(writer);
  return writer.text;
}

std::string write_reference(const std::function<void(Fields&)>& visit) {
  YamlWriter writer(true);
  visit(writer);
  return writer.text;
}

std::string write_schema(const std::function<void(Fields&)>& visit) {
  SchemaWriter writer;
  visit(writer);
  Json root = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  root.update(writer.schema);
  return json_text(root, 2) + "\n";
}

}  // namespace lodestone
