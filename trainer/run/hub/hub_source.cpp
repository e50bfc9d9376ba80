#include "trainer/run/hub/hub_source.h"

#include <algorithm>
#include <set>
#include <vector>

#include "common/error.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "common/paths.h"
#include "common/printable.h"
#include "common/yaml.h"
#include "trainer/encoders/weight_names.h"
#include "trainer/encoders/weights_files.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = uint64_t{64} << 20;

std::string setting(const ConfigNodePtr& node, std::string_view key) {
  const ConfigNodePtr value = node ? node->find(key) : nullptr;
  return value ? value->scalar : "";
}

/// A program of the encoder, and what its parameters' names begin with there.
struct Part {
  std::string file, prefix;
};

std::vector<Part> exported_parts(const ConfigNodePtr& encoder) {
  const std::string name = setting(encoder, "name");
  if (name == "exported") return {{setting(encoder, "file"), ""}};
  if (name != "two_tower") return {};
  std::vector<Part> parts;
  for (const char* tower : {"image", "text"})
    if (const ConfigNodePtr of = encoder->find(tower); setting(of, "name") == "exported")
      parts.push_back({setting(of, "file"), std::string(tower) + "."});
  return parts;
}

ExportRecord record_beside(const std::string& program) {
  const fs::path file = fs::path(program).parent_path() / "export.json";
  if (!is_file(file))
    throw ConfigError("export: expected " + file.string() + " beside the program " + program +
                      ", which says under which names its weights are stored, got none; export the encoder "
                      "with tools/export_encoder.py, or choose --format safetensors");
  return parse_export_record(read_file(file, kMostBytes), file.string());
}

void add_program(HubSource& source, const ProgramRecord& program, const std::string& prefix) {
  for (const auto& [file, names] : program.files)
    for (const auto& [theirs, ours] : names) source.files[file][theirs] = prefix + ours;
  if (!program.adapters) return;
  if (source.adapters)
    throw ConfigError(
        "export: expected adapters in one tower, got some in both; export with adapters in one");
  source.adapters = program.adapters;
  source.adapters->prefix = prefix + source.adapters->prefix;
  for (std::string& layer : source.adapters->layers) layer = prefix + layer;
}

HubSource of_programs(const std::vector<Part>& parts) {
  HubSource source;
  source.is_exported = true;
  for (const Part& part : parts) {
    const ExportRecord record = record_beside(part.file);
    if (!source.folder.empty() && source.folder != record.source)
      throw ConfigError("export: expected towers of one model, got " + source.folder.string() + " and " +
                        record.source.string() + "; export each tower from a run of its own");
    source.kind = record.kind;
    source.folder = record.source;
    source.pooling = record.pooling;
    const auto program = record.programs.find(fs::path(part.file).filename().string());
    if (program == record.programs.end())
      throw ConfigError(
          "export: expected " + part.file +
          " in the export.json beside it, got other programs; run tools/export_encoder.py again");
    add_program(source, program->second, part.prefix);
  }
  return source;
}

// The kind of a folder, by the file that says what its model is.
std::string kind_of(const fs::path& folder) {
  const fs::path config = folder / "config.json";
  const auto about = is_file(config) ? read_json(read_file(config, kMostBytes)) : std::nullopt;
  if (about && about->is_object() && about->contains("architecture")) return "timm";
  if (about && about->is_object() && about->contains("model_type")) return "transformers";
  throw ConfigError("export: expected a folder with a config.json of transformers or timm, got " +
                    folder.string() + "; name the folder of the original model with --from");
}

HubSource of_own_encoder(const ConfigNodePtr& encoder, const std::set<std::string>& ours,
                         const fs::path& named) {
  const fs::path from = setting(encoder, "init_from");
  const fs::path folder = !named.empty() ? named : is_folder(from) ? from : from.parent_path();
  if (named.empty() && from.empty())
    throw ConfigError(
        "export: expected the folder of a model with the names of this encoder, got an encoder "
        "without init_from; name a folder with --from, or choose --format safetensors");
  HubSource source;
  source.kind = kind_of(folder);
  source.folder = folder;
  const fs::path file = encoders::weights_file(folder);
  std::vector<std::string> theirs;
  for (const auto& [name, tensor] : encoders::read_weights(file).tensors) theirs.push_back(name);
  NamesInFile& names = source.files[file.filename().string()];
  for (const auto& [our, their] : encoders::match_names(ours, theirs, setting(encoder, "init_prefix")).theirs)
    names[their] = our;
  const std::string pooling = setting(encoder, "pooling");
  if (setting(encoder, "name") == "bert" && pooling != "pooler") source.pooling = pooling;
  return source;
}

// A weight that changes in training and is nowhere in the folder would be lost without a word.
void check_all_have_names(const encoders::Parameters& parameters, const HubSource& source) {
  std::set<std::string> known;
  for (const auto& [file, names] : source.files)
    for (const auto& [theirs, ours] : names) known.insert(ours);
  std::vector<std::string> lost;
  const auto look = [&](const encoders::Parameter& parameter) {
    const bool adapter = source.adapters && parameter.name.find(".lora_") != std::string::npos;
    if (!adapter && !known.contains(parameter.name)) lost.push_back(parameter.name);
  };
  for (const auto& parameter : parameters.learned()) look(parameter);
  for (const auto& parameter : parameters.buffers())
    if (parameter.role == encoders::ParameterRole::kRunningStatistic) look(parameter);
  if (lost.empty()) return;
  throw ConfigError("export: expected a name in " + source.folder.string() +
                    " for every trained weight, got none for " + std::to_string(lost.size()) + ", as " +
                    printable(lost.front()) +
                    "; train without a head or projection of your own (head: {kind: none}, embedding: 0), or "
                    "choose --format safetensors");
}

}  // namespace

HubSource hub_source(TrainedModel& model, const fs::path& named) {
  const RunConfig& config = model.config();
  const encoders::Parameters& parameters = config.encoder->parameters();
  const ConfigNodePtr encoder = parse_yaml(write_settings(config), model.path().string())->find("encoder");
  const std::vector<Part> parts = exported_parts(encoder);
  std::set<std::string> ours;
  for (const auto* list : {&parameters.learned(), &parameters.buffers()})
    for (const auto& parameter : *list) ours.insert(parameter.name);
  HubSource source = parts.empty() ? of_own_encoder(encoder, ours, named) : of_programs(parts);
  if (!named.empty()) source.folder = named;
  if (!is_folder(source.folder))
    throw ConfigError("export: expected the folder of the original model, got " + source.folder.string() +
                      ", which is none; name it with --from");
  check_all_have_names(parameters, source);
  return source;
}

}  // namespace lodestone::run
