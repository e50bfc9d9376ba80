#include "trainer/run/checkpoint_config.h"

#include <filesystem>
#include <set>

#include "common/log.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/shell_word.h"
#include "trainer/encoders/code_file.h"

namespace lodestone::run {

namespace {

// The values of a key in all mappings at or below a node.
void collect(const ConfigNodePtr& node, std::string_view key, std::set<std::string>& values) {
  if (!node) return;
  for (const auto& [name, member] : node->members) {
    if (name == key && member->kind == ConfigNode::Kind::kScalar && !member->scalar.empty())
      values.insert(user_path(member->scalar, name));
    collect(member, key, values);
  }
}

// Assignments change the tree that they are applied to.
ConfigNodePtr copy_of(const ConfigNodePtr& node) {
  auto copy = std::make_shared<ConfigNode>(*node);
  for (auto& item : copy->items) item = copy_of(item);
  for (auto& [name, member] : copy->members) member = copy_of(member);
  return copy;
}

/// What the user's own command names, as opposed to the checkpoint.
class UserSettings {
 public:
  explicit UserSettings(const std::vector<std::string>& assignments) : root_(parse_yaml("", "--set")) {
    for (const auto& assignment : assignments) apply_set(root_, assignment);
  }
  std::set<std::string> values_of(std::string_view section, std::string_view key) const {
    std::set<std::string> values;
    collect(root_->find(section), key, values);
    return values;
  }

 private:
  ConfigNodePtr root_;
};

// The dotted path of the key `file` with this value at or below a node, whose own path is `path`; "" if there
// is none.
std::string key_with(const ConfigNodePtr& node, const std::string& path, const std::string& file) {
  for (const auto& [name, member] : node->members) {
    const std::string key = path + "." + name;
    if (name == "file" && member->kind == ConfigNode::Kind::kScalar && member->scalar == file) return key;
    if (std::string below = key_with(member, key, file); !below.empty()) return below;
  }
  return "";
}

// `hint` is a further remedy, or "".
[[noreturn]] void refuse_code(const RunConfig& config, const std::string& name, const std::string& file,
                              const std::string& hint) {
  const ConfigNodePtr written = parse_yaml(write_settings(config), name);
  const std::string key = key_with(written->find("encoder"), "encoder", file);
  throw ConfigError(name + ": expected a model of weights alone, got code: " + printable(file) +
                    " is TorchScript, and its code would run with your rights: it may read, change and "
                    "send your files. Add --allow-code if you trust the file and who named it here, or name "
                    "the file in the command: --set " +
                    shell_word(key + "=" + printable(file)) + hint);
}

// Indexes are written only to a folder that the user names; a checkpoint's configuration names none.
void refuse_cache_folder(const UserSettings& users, const char* section, sampler::IndexCache& cache) {
  if (cache.place == sampler::IndexCache::Place::kFolder &&
      !users.values_of(section, "index_cache").contains(cache.folder))
    cache = {};
}

}  // namespace

void read_checkpoint_config(const coordinator::Checkpoint& checkpoint,
                            const std::vector<std::string>& assignments, bool allow_code, RunConfig& config) {
  const std::string name = checkpoint.path.string() + "/config.yaml";
  read_stored_config(checkpoint.config_yaml, name, assignments, config);
  const UserSettings users(assignments);
  const auto named = users.values_of("encoder", "file");
  for (const auto& [file, loaded] : config.encoder->code()) {
    const auto saved = checkpoint.code.find(file);
    if (named.contains(file)) {
      if (saved != checkpoint.code.end() && encoders::read_code(file, "").hash != saved->second)
        make_log(0, 1)->warn("{}: {} is not the file that the weights were trained in; its hash differs",
                             name, file);
      continue;
    }
    if (!allow_code) refuse_code(config, name, file, "; `lodestone inspect` shows its hash");
    if (saved != checkpoint.code.end())
      config.code.hash_of.insert(*saved);
    else
      make_log(0, 1)->warn(
          "{}: the manifest has no hash of {}, so that another file in its place would not be noticed", name,
          file);
  }
  // A program is no code. It must be the one that the weights were trained in, unless the command names it.
  for (const auto& [file, loaded] : config.encoder->programs())
    if (const auto saved = checkpoint.code.find(file);
        saved != checkpoint.code.end() && !named.contains(file))
      config.code.hash_of.insert(*saved);
  config.code.allowed = true;
  refuse_cache_folder(users, "data", config.data.train.index_cache);
  refuse_cache_folder(users, "evaluate", config.evaluate.data.index_cache);
}

void read_named_config(const std::string& file, const std::vector<std::string>& assignments, bool allow_code,
                       RunConfig& config, ReadFor use) {
  read_named_config(read_yaml_file(file), file, assignments, allow_code, config, use);
}

void read_named_config(const ConfigNodePtr& root, const std::string& file,
                       const std::vector<std::string>& assignments, bool allow_code, RunConfig& config,
                       ReadFor use) {
  read_run_config(copy_of(root), assignments, std::filesystem::path(file).stem().string(), config, use);
  const auto named = UserSettings(assignments).values_of("encoder", "file");
  for (const auto& [code, loaded] : config.encoder->code())
    if (!allow_code && !named.contains(code)) refuse_code(config, file, code, "");
  config.code.allowed = true;
}

}  // namespace lodestone::run
