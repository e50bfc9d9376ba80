#include "common/yaml.h"

#include <algorithm>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "common/files.h"
#include "common/paths.h"
#include "common/pipe_file.h"
#include "common/printable.h"
#include "common/utf8.h"

namespace lodestone {

namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr size_t kMaxDepth = 32;
constexpr const char* kTooDeep = "more than 32 levels of nesting";
constexpr size_t kMaxNodes = 2048;
constexpr size_t kMaxOpen = 256;  // open brackets, also those in quotes and comments

[[noreturn]] void refuse_at(const std::string& file, int line, int column, const std::string& what) {
  throw ConfigError(file + ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1) +
                    ": expected plain YAML (mappings, sequences, scalars), got " + what);
}

// The parser reads ahead over all opening brackets, since they may begin a key, before it emits an event for
// the first one.
void check_brackets(const std::string& text, const std::string& file) {
  size_t open = 0;
  int line = 0, column = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (open > kMaxOpen) refuse_at(file, line, column, kTooDeep);
    ++column;
    if (c != '\n') continue;
    ++line;
    column = 0;
  }
}

// A remedy if a line up to `last` is indented with a tab, which YAML forbids and its parser does not name.
std::string tab_before(const std::string& text, int last) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 0; number <= last && std::getline(lines, line); ++number) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos && line.find_first_not_of(" \t") > tab)
      return "; line " + std::to_string(number + 1) + " is indented with a tab: use blanks";
  }
  return "";
}

// The core schema's words for null.
bool is_null(const std::string& plain) {
  return plain.empty() || plain == "~" || plain == "null" || plain == "Null" || plain == "NULL";
}

// Builds the tree from parser events, so that forbidden input is refused before anything is expanded.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string file) : file_(std::move(file)) {}
  ConfigNodePtr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) refuse(mark, "a second document; a configuration is one document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    add(make(mark, ConfigNode::Kind::kNull), mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "an alias (*name)"); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    if (!is_utf8(value)) refuse(mark, "bytes that are not UTF-8");
    auto node = make(mark, ConfigNode::Kind::kScalar);
    node->scalar = value;
    node->quoted = tag == "!";
    if (!node->quoted && is_null(value)) node->kind = ConfigNode::Kind::kNull;
    add(node, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, ConfigNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, ConfigNode::Kind::kMapping);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Level {
    ConfigNodePtr node;
    std::optional<std::string> key;
    std::set<std::string> keys;  ///< keys so far
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& what) const {
    refuse_at(file_, mark.line, mark.column, what);
  }
  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) refuse(mark, "an anchor (&name)");
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "the tag " + tag);
  }
  ConfigNodePtr make(const YAML::Mark& mark, ConfigNode::Kind kind) {
    if (++nodes_ > kMaxNodes) refuse(mark, "more than " + std::to_string(kMaxNodes) + " keys and values");
    auto node = std::make_shared<ConfigNode>();
    node->kind = kind;
    node->line = mark.line + 1;
    node->place = file_ + ":" + std::to_string(node->line);
    return node;
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, ConfigNode::Kind kind) {
    check(mark, tag, anchor);
    if (open_.size() >= kMaxDepth) refuse(mark, kTooDeep);
    auto node = make(mark, kind);
    add(node, mark);
    open_.push_back({node, {}, {}});
  }
  void add(const ConfigNodePtr& node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Level& parent = open_.back();
    if (parent.node->kind == ConfigNode::Kind::kSequence) {
      parent.node->items.push_back(node);
    } else if (parent.key) {
      parent.node->members.emplace_back(*parent.key, node);
      parent.key.reset();
    } else {
      if (node->kind != ConfigNode::Kind::kScalar) refuse(mark, "a key that is not a word");
      if (!parent.keys.insert(node->scalar).second)
        refuse(mark, "the key '" + node->scalar + "' a second time");
      parent.key = node->scalar;
    }
  }

  std::string file_;
  ConfigNodePtr root_;
  std::vector<Level> open_;
  size_t nodes_ = 0;
};

}  // namespace

ConfigNodePtr ConfigNode::find(std::string_view key) const {
  for (const auto& [name, node] : members)
    if (name == key) return node;
  return nullptr;
}

ConfigNodePtr parse_yaml(const std::string& text, const std::string& file_name) {
  if (text.size() > kMaxBytes)
    throw ConfigError(file_name + ": expected at most 1 MiB of configuration, got " +
                      std::to_string(text.size()) + " bytes");
  check_brackets(text, file_name);
  TreeBuilder builder(file_name);
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    throw ConfigError(file_name + ":" + std::to_string(error.mark.line + 1) + ":" +
                      std::to_string(error.mark.column + 1) + ": not YAML: " + error.msg +
                      tab_before(text, error.mark.line));
  }
  auto root = builder.root();
  if (!root || root->kind == ConfigNode::Kind::kNull) {
    root = std::make_shared<ConfigNode>();
    root->kind = ConfigNode::Kind::kMapping;
    root->place = file_name;
  }
  if (root->kind != ConfigNode::Kind::kMapping)
    throw ConfigError(root->place + ": expected a mapping of keys to values at the top");
  return root;
}

ConfigNodePtr read_yaml_file(const std::string& path) {
  if (is_folder(path) && !is_file(path + "/config.yaml"))
    throw ConfigError(path +
                      ": expected a configuration file, got a folder; make a configuration of the data in it "
                      "with `lodestone init --from " +
                      path + "`");
  if (is_folder(path))
    throw ConfigError(path +
                      ": expected a configuration file, got a folder; resume a run with the configuration "
                      "file that it was started with, " +
                      "and " + path + "/config.yaml is its resolved form");
  try {
    return parse_yaml(read_file_or_pipe(path, kMaxBytes), path);
  } catch (const IoError&) {
    // Of a pipe, which a shell names, the path is right and the cause below says what is wrong.
    const bool is_pipe = path.starts_with("/dev/fd/") || (path_exists(path) && !is_file(path));
    std::throw_with_nested(
        ConfigError(path + ": cannot read this configuration file" + (is_pipe ? "" : "; check the path")));
  }
}

namespace {

// Lines of a value after --set are not those of a file.
void forget_lines(ConfigNode& node) {
  node.line = 0;
  for (const auto& item : node.items) forget_lines(*item);
  for (const auto& [key, member] : node.members) forget_lines(*member);
}

// The value after `=`. In brackets, braces or quotes it is YAML. Otherwise it is literal text, since the
// shell has removed its quotes: a space and #, a colon or an & have no special meaning.
ConfigNodePtr assigned_value(const std::string& text, const std::string& place) {
  const auto stands_in = [&](char open, char close) {
    return text.size() > 1 && text.front() == open && text.back() == close;
  };
  if (stands_in('[', ']') || stands_in('{', '}') || stands_in('"', '"') || stands_in('\'', '\'')) {
    const ConfigError refusal(place + ": expected one YAML value in brackets, braces or quotes, got '" +
                              printable(text) + "'; put the text in quotes");
    try {
      // Enclosed in our own brackets, so a comment would hide the closing one.
      const auto items = parse_yaml("value: [" + text + "]", place)->find("value")->items;
      if (items.size() == 1) return items.front();
    } catch (const ConfigError&) {
      std::throw_with_nested(refusal);
    }
    throw ConfigError(refusal);
  }
  if (!is_utf8(text)) throw ConfigError(place + ": expected UTF-8, got '" + printable(text) + "'");
  auto value = std::make_shared<ConfigNode>();
  value->kind = is_null(text) ? ConfigNode::Kind::kNull : ConfigNode::Kind::kScalar;
  value->scalar = text;
  return value;
}

// Limits recursion: each level copies the place, and is destroyed inside the level above.
void check_depth(const std::string& path) {
  const auto levels = static_cast<size_t>(std::count(path.begin(), path.end(), '.')) + 1;
  if (levels > kMaxDepth)
    throw ConfigError("--set: expected at most " + std::to_string(kMaxDepth) +
                      " keys with dots between them, got " + std::to_string(levels) + " in '" +
                      printable(path.substr(0, 40)) + "…'; `lodestone config " +
                      "--reference` lists the keys");
}

std::vector<std::string> keys_of(const std::string& path) {
  std::istringstream parts(path);
  std::vector<std::string> keys;
  for (std::string part; std::getline(parts, part, '.');) keys.push_back(part);
  return keys;
}

}  // namespace

void apply_set(const ConfigNodePtr& root, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0 || assignment[equals - 1] == '.')
    throw ConfigError("--set: expected key.path=value, got '" + assignment + "'");
  const std::string path = assignment.substr(0, equals);
  const std::string place = "--set " + path;
  check_depth(path);
  const auto value = assigned_value(assignment.substr(equals + 1), place);
  value->place = place;
  forget_lines(*value);

  ConfigNodePtr node = root;
  const std::vector<std::string> keys = keys_of(path);
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool last = i + 1 == keys.size();
    ConfigNodePtr child = node->find(keys[i]);
    if (!child && node->members.size() >= kMaxNodes)
      throw ConfigError(place + ": expected at most " + std::to_string(kMaxNodes) +
                        " keys in a mapping, got more");
    if (!child || last) {
      ConfigNodePtr replacement = last ? value : std::make_shared<ConfigNode>();
      if (last) value->removed = child && assignment.size() == equals + 1;
      if (!last) {
        replacement->kind = ConfigNode::Kind::kMapping;
        replacement->place = place;
      }
      std::erase_if(node->members, [&](const auto& member) { return member.first == keys[i]; });
      node->members.emplace_back(keys[i], replacement);
      child = replacement;
    }
    if (!last && child->kind == ConfigNode::Kind::kNull) {
      child->kind = ConfigNode::Kind::kMapping;
      child->removed = false;
    }
    if (!last && child->kind != ConfigNode::Kind::kMapping)
      throw ConfigError(place + ": '" + keys[i] + "' is a value, not a mapping (" + child->place + ")");
    node = child;
  }
}

}  // namespace lodestone
