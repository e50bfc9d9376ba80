#include <filesystem>

#include "common/keys_without_effect.h"
#include "trainer/run/key_synonyms.h"
#include "trainer/run/run_config.h"
#include "trainer/run/training_checks.h"

namespace lodestone::run {

namespace {

bool sets_other_columns(const ConfigNode& root, std::string_view section, std::string_view part) {
  const ConfigNodePtr above = root.find(section), node = above ? above->find(part) : nullptr;
  return node && node->find("other_columns");
}

// Newer runs keep the key of the images or texts that they read, and of evaluation data for --input.
bool precedes_other_columns(const ConfigNode& root) {
  for (const char* section : {"data", "evaluate"})
    for (const char* part : {"train", "data", "text"})
      if (sets_other_columns(root, section, part)) return false;
  return true;
}

// Runs without the key ignored columns that nothing reads unless they have a role. --set may have it.
void ignore_other_columns(const ConfigNode& root, RunConfig& config) {
  using sampler::OtherColumns;
  config.data.train.other_columns = config.evaluate.data.other_columns = OtherColumns::kIgnore;
  config.data.text.layout.other_columns = config.evaluate.text.other_columns = OtherColumns::kIgnore;
  config.data.text.layout.refuse_roles = !sets_other_columns(root, "data", "text");
  config.evaluate.text.refuse_roles = !sets_other_columns(root, "evaluate", "text");
}

// Values that depend on several keys.
void settle(const std::string& name, RunConfig& config, ConfigFaults& faults) {
  config.miner.settle(*config.loss, config.gives_tuples());
  if (config.run_dir.empty()) config.run_dir = "runs/" + name;
  while (config.run_dir.size() > 1 && config.run_dir.ends_with('/')) config.run_dir.pop_back();
  faults.collect([&] { config.data.kind->check(config); });
  if (!config.evaluate.one_shot_runs.empty() && config.evaluate.one_shot_trials > 0)
    faults.add("evaluate: set either one_shot_runs or one_shot_trials, not both");
  if (!config.data.train.empty() && !config.data.tuples.empty())
    faults.add("data: set either data.train.path or data.tuples, not both");
}

void apply_all(const ConfigNodePtr& root, const std::vector<std::string>& assignments, ConfigFaults& faults) {
  for (const auto& assignment : assignments) faults.collect_apart([&] { apply_set(root, assignment); });
}

}  // namespace

void read_run_config(const ConfigNodePtr& root, const std::vector<std::string>& assignments,
                     const std::string& name, RunConfig& config, ReadFor use) {
  ConfigFaults faults;
  apply_all(root, assignments, faults);
  const auto visit = [&](Fields& f) { config.visit(f); };
  read_fields(root, visit, faults);
  settle(name, config, faults);
  if (use == ReadFor::kTraining) check_training(config, faults);
  faults.throw_any(visit, key_synonyms());
}

void read_stored_config(const std::string& yaml, const std::string& file,
                        const std::vector<std::string>& assignments, RunConfig& config) {
  const ConfigNodePtr root = parse_yaml(yaml, file);
  const bool is_old = precedes_other_columns(*root);
  ConfigFaults faults;
  apply_all(root, assignments, faults);
  if (is_old) ignore_other_columns(*root, config);
  const auto visit = [&](Fields& f) { config.visit(f); };
  read_kept_fields(root, visit, faults);
  settle(std::filesystem::path(file).parent_path().filename().string(), config, faults);
  faults.throw_any(visit, key_synonyms());
}

void load_run_config(const std::string& path, const std::vector<std::string>& assignments,
                     RunConfig& config) {
  read_run_config(read_yaml_file(path), assignments, std::filesystem::path(path).stem().string(), config);
}

}  // namespace lodestone::run
