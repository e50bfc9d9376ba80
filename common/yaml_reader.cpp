#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "common/keys_without_effect.h"
#include "common/paths.h"
#include "common/text_format.h"
#include "common/yaml.h"

namespace lodestone {

namespace {

std::string number_text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// Reads one mapping into one struct; each nested group gets its own reader.
class Reader : public Fields, public KeysWithoutEffect {
 public:
  /// `node` is a mapping, or null.
  Reader(ConfigNodePtr node, std::string path, bool kept, ConfigFaults& faults)
      : node_(std::move(node)), path_(std::move(path)), kept_(kept), faults_(faults) {}

  void field(const FieldInfo& info, FieldValue value) override {
    const auto node = take(info.name);
    if (!node) return;
    faults_.collect_value(*node, path_of(info),
                          [&] { std::visit([&](auto* member) { read(info, *node, *member); }, value); });
  }

  void group(const FieldInfo& info, const std::function<void(Fields&)>& visit_members) override {
    const auto node = take(info.name);
    if (!node || !is_mapping(info, *node)) return;
    Reader members(node, path_of(info), kept_, faults_);
    visit_members(members);
    members.collect_unknown();
  }

  void slot(const FieldInfo& info, SlotBase& slot) override {
    const auto node = take(info.name);
    if (!node) return;
    // `loss: supcon` is short for `loss: {name: supcon}`.
    if (node->kind == ConfigNode::Kind::kScalar) {
      choose(slot, *node, path_of(info));
      return;
    }
    if (!is_mapping(info, *node)) return;
    Reader members(node, path_of(info), kept_, faults_);
    // Which keys are known depends on the name.
    if (const auto chosen = members.take("name"); chosen && !choose(slot, *chosen, path_of(info))) return;
    slot.visit(members);
    members.collect_unknown();
  }

  void leave_without_effect(std::initializer_list<const char*> keys, const std::string& because,
                            const char* off_switch) override {
    for (const char* key : keys) without_effect_[key] = {because, off_switch};
  }

  void refuse_given(const char* key, const std::string& sentence, const char* by) override {
    const auto node = node_->find(key);
    if (!node || is_empty(*node) || ((kept_ || is_set_now(by)) && !is_set_now(*node))) return;
    faults_.add(at(*node, key_path(key)) + ": " + sentence, node->line);
  }

  void collect_unknown() const {
    for (const auto& [key, node] : node_->members)
      if (!known_.contains(key) && !node->removed)
        faults_.add_unknown(*node, at(*node, key_path(key)),
                            {path_, key, {known_.begin(), known_.end()}, by_set(key, *node)});
  }

 private:
  static std::string hint(const std::string& word, const std::vector<std::string>& names) {
    const auto near = nearest_word(word, names);
    return near.empty() ? "" : "; did you mean '" + near + "'?";
  }

  std::string key_path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  std::string path_of(const FieldInfo& info) const { return key_path(info.name); }

  // A key without effect is refused, or counts as absent. `key:` without a value is absent too. `--set key=`
  // leaves the default.
  ConfigNodePtr take(const char* name) {
    known_.insert(name);
    auto node = node_->find(name);
    const auto found = without_effect_.find(name);
    if (node && is_set_now(*node) && node->kind == ConfigNode::Kind::kNull && node->scalar.empty())
      return nullptr;
    if (!node || found == without_effect_.end()) return node;
    const auto& [because, off_switch] = found->second;
    const bool passed_over = (kept_ || is_set_now(off_switch)) && !is_set_now(*node);
    const std::string sentence =
        at(*node, key_path(name)) + ": has no effect " + because + by_set(name, *node);
    if (!passed_over && !is_empty(*node)) faults_.add(sentence, node->line);
    return nullptr;
  }

  bool is_mapping(const FieldInfo& info, const ConfigNode& node) const {
    return faults_.collect_value(node, path_of(info), [&] {
      if (node.kind != ConfigNode::Kind::kNull && node.kind != ConfigNode::Kind::kMapping)
        throw ConfigError(at(node, path_of(info)) + ": expected a mapping of keys to values");
    });
  }

  // The next step beside editing the file, where --set made a key of the file wrong.
  std::string by_set(const std::string& key, const ConfigNode& node) const {
    const bool changed =
        std::ranges::any_of(node_->members, [](const auto& member) { return is_set_now(*member.second); });
    return changed && !is_set_now(node) ? ", or add --set " + key_path(key) + "=" : "";
  }

  // The place of a value and its key, which the place "--set KEY" has already.
  static std::string at(const ConfigNode& node, const std::string& path) {
    return node.place == "--set " + path ? node.place : node.place + ": " + path;
  }

  static bool is_set_now(const ConfigNode& node) { return node.place.starts_with("--set "); }

  // `key` belongs to this mapping or one below it; "": none.
  bool is_set_now(std::string_view key) const {
    const ConfigNode* node = node_.get();
    while (node != nullptr && !key.empty()) {
      const size_t dot = std::min(key.find('.'), key.size());
      node = node->find(key.substr(0, dot)).get();
      key.remove_prefix(std::min(dot + 1, key.size()));
    }
    return node != nullptr && node != node_.get() && is_set_now(*node);
  }

  static bool is_empty(const ConfigNode& node) {
    switch (node.kind) {
      case ConfigNode::Kind::kMapping:
        return node.members.empty();
      case ConfigNode::Kind::kSequence:
        return node.items.empty();
      case ConfigNode::Kind::kScalar:
        return node.scalar.empty();
      default:
        return true;
    }
  }

  // Returns whether the slot has the name.
  bool choose(SlotBase& slot, const ConfigNode& chosen, const std::string& path) const {
    return faults_.collect_value(chosen, path + ".name", [&] {
      std::string name;
      read(FieldInfo{.name = "name"}, chosen, name);
      const auto names = slot.names();
      if (std::find(names.begin(), names.end(), name) == names.end())
        throw ConfigError(at(chosen, path + ".name") + ": unknown name '" + name + "'" + hint(name, names) +
                          "; known: " + joined(names) + (kept_ ? "; " : "; or ") +
                          "use the program that registers '" + name + "'");
      slot.choose(name);
    });
  }

  [[noreturn]] void mistyped(const FieldInfo& info, const ConfigNode& node, const std::string& expected,
                             const std::string& next = "") const {
    const std::string quotes = node.quoted ? " in quotes" : "";
    const std::string got = node.kind == ConfigNode::Kind::kScalar     ? "'" + node.scalar + "'" + quotes
                            : node.kind == ConfigNode::Kind::kSequence ? "a sequence"
                            : node.kind == ConfigNode::Kind::kMapping  ? "a mapping"
                                                                       : "nothing";
    throw ConfigError(at(node, path_of(info)) + ": expected " + expected + ", got " + got + next);
  }

  void check_range(const FieldInfo& info, const ConfigNode& node, double value) const {
    if ((info.min && value < *info.min) || (info.max && value > *info.max)) {
      std::string range = "a number";
      if (info.min) range += " >= " + number_text(*info.min);
      if (info.max) range += (info.min ? " and <= " : " <= ") + number_text(*info.max);
      mistyped(info, node, range);
    }
  }

  const std::string& scalar(const FieldInfo& info, const ConfigNode& node, const char* expected) const {
    if (node.kind != ConfigNode::Kind::kScalar) mistyped(info, node, expected);
    return node.scalar;
  }

  // Some readers of YAML take 010 for eight, others for ten.
  void refuse_leading_zeros(const FieldInfo& info, const ConfigNode& node) const {
    const size_t first = node.scalar.find_first_not_of("-+");
    const bool leads = first + 1 < node.scalar.size() && node.scalar[first] == '0';
    if (leads && std::isdigit(static_cast<unsigned char>(node.scalar[first + 1])) != 0)
      mistyped(info, node, "a number without leading zeros");
  }

  void read(const FieldInfo& info, const ConfigNode& node, bool& value) const {
    const auto& text = scalar(info, node, "true or false");
    const bool yes = text == "true" || text == "True" || text == "TRUE";
    const bool no = text == "false" || text == "False" || text == "FALSE";
    if (node.quoted || (!yes && !no)) mistyped(info, node, "true or false");
    value = yes;
  }

  void read(const FieldInfo& info, const ConfigNode& node, int64_t& value) const {
    const auto& text = scalar(info, node, "an integer");
    int64_t parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (node.quoted || error != std::errc{} || end != text.data() + text.size())
      mistyped(info, node, "an integer");
    refuse_leading_zeros(info, node);
    check_range(info, node, static_cast<double>(parsed));
    value = parsed;
  }

  void read(const FieldInfo& info, const ConfigNode& node, double& value) const {
    const auto& text = scalar(info, node, "a number");
    double parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (node.quoted || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(parsed))
      mistyped(info, node, "a number");
    refuse_leading_zeros(info, node);
    check_range(info, node, parsed);
    value = parsed;
  }

  void read(const FieldInfo& info, const ConfigNode& node, std::string& value) const {
    // `key:` sets an empty text.
    const std::string text = node.kind == ConfigNode::Kind::kNull ? "" : scalar(info, node, "text");
    if (!info.choices.empty()) {
      const std::vector<std::string> names(info.choices.begin(), info.choices.end());
      if (std::find(names.begin(), names.end(), text) == names.end())
        mistyped(info, node, "one of " + joined(names), hint(text, names));
    }
    const bool is_path = info.unit == std::string_view(kPathUnit);
    // YAML reads ~ as null, a shell as the home folder: using the default instead would be a folder that
    // nobody asked for.
    if (is_path && !node.quoted && node.scalar == "~")
      throw ConfigError(at(node, path_of(info)) +
                        ": expected a path, got ~ alone; write ~/ for the home folder, and null for none");
    value = is_path && !text.empty() ? user_path(text, at(node, path_of(info))) : text;
  }

  template <typename T>
  void read(const FieldInfo& info, const ConfigNode& node, std::vector<T>& values) const {
    if (node.kind != ConfigNode::Kind::kSequence) mistyped(info, node, "a sequence, as in [a, b]");
    std::vector<T> read_values(node.items.size());
    for (size_t i = 0; i < read_values.size(); ++i) {
      if (node.items[i]->kind == ConfigNode::Kind::kNull)
        mistyped(info, *node.items[i], "a value in each place");
      read(info, *node.items[i], read_values[i]);
    }
    values = std::move(read_values);
  }

  template <typename T>
  void read(const FieldInfo& info, const ConfigNode& node, std::optional<T>& value) const {
    if (node.kind == ConfigNode::Kind::kNull) {
      value.reset();
    } else {
      T set{};
      read(info, node, set);
      value = set;
    }
  }

  ConfigNodePtr node_;
  std::string path_;
  bool kept_;  ///< a run has kept this configuration, see read_kept_fields
  ConfigFaults& faults_;
  std::set<std::string> known_;
  struct WithoutEffect {
    std::string because, off_switch;
  };
  std::map<std::string, WithoutEffect, std::less<>> without_effect_;
};

void read_into(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit, bool kept,
               ConfigFaults& faults) {
  Reader reader(root, "", kept, faults);
  visit(reader);
  reader.collect_unknown();
}

void read_or_throw(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit, bool kept) {
  ConfigFaults faults;
  read_into(root, visit, kept, faults);
  faults.throw_any(visit, {});
}

}  // namespace

void read_fields(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit, ConfigFaults& faults) {
  read_into(root, visit, false, faults);
}

void read_fields(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit) {
  read_or_throw(root, visit, false);
}

void read_kept_fields(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit,
                      ConfigFaults& faults) {
  read_into(root, visit, true, faults);
}

void read_kept_fields(const ConfigNodePtr& root, const std::function<void(Fields&)>& visit) {
  read_or_throw(root, visit, true);
}

}  // namespace lodestone
