#include "trainer/run/hub/model_folder.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/paths.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/hub/hub_source.h"
#include "trainer/run/hub/hub_weights.h"
#include "trainer/run/hub/sentence_modules.h"
#include "trainer/run/own_weights.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Settings, tokenizers, prompts, licences and code of the model; export writes a new card.
constexpr std::array kCopied = {".json", ".txt", ".model", ".py", ".jinja", ".spm", ".vocab"};
constexpr uint64_t kMostBytes = uint64_t{256} << 20;

bool is_copied(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.ends_with(".index.json") || name == "adapter_config.json") return false;
  return std::ranges::count(kCopied, file.extension().string()) > 0 || name.starts_with("LICENSE") ||
         name.starts_with("NOTICE");
}

/// Copies settings of a folder and of the folders in it; counts what is left out.
class Copy {
 public:
  Copy(const fs::path& from, const fs::path& to) { folder(from, to, /*depth=*/0); }
  std::string left() const {
    return left_.empty()
               ? ""
               : std::to_string(count_) + " other files of the original are not copied, as " + left_;
  }

 private:
  void folder(const fs::path& from, const fs::path& to, int depth) {
    std::error_code error;
    for (const fs::path& entry : folder_entries(from, error)) {
      const std::string name = entry.filename().string();
      if (name.starts_with('.')) continue;
      if (is_file(entry) && is_copied(entry)) {
        write_file_synced(to / name, read_file(entry, kMostBytes));
      } else if (is_folder(entry) && depth == 0 && has_settings(entry)) {
        make_folders(to / name);
        folder(entry, to / name, depth + 1);
      } else if (!name.ends_with(".safetensors") && !name.ends_with(".safetensors.index.json")) {
        left_ = entry.string();
        ++count_;
      }
    }
    if (error) throw IoError(from.string() + ": expected a folder that can be read, got: " + error.message());
  }
  // A module of sentence-transformers, as 1_Pooling; onnx and openvino have other weights.
  static bool has_settings(const fs::path& folder) {
    return is_file(folder / "config.json") && !is_file(folder / "model.onnx");
  }

  std::string left_;
  int64_t count_ = 0;
};

// Libraries convert weights to the type that the configuration names.
void set_type(json& about, const std::string& type) {
  for (const char* key : {"dtype", "torch_dtype"})
    if (about.contains(key) && about.at(key).is_string()) about[key] = type;
  for (auto& [key, value] : about.items())
    if (value.is_object()) set_type(value, type);
}

void set_type_of(const fs::path& folder, at::ScalarType type) {
  const fs::path file = folder / "config.json";
  auto about = is_file(file) ? read_json(read_file(file, kMostBytes)) : std::nullopt;
  if (!about || !about->is_object()) return;
  set_type(*about, choice_name(type, kWeightTypes));
  write_file_synced(file, json_text(*about, 2) + "\n");
}

std::string loading(const std::string& kind, const std::string& folder) {
  if (kind == "sentence_transformers")
    return "from sentence_transformers import SentenceTransformer\n\nmodel = SentenceTransformer(\"" +
           folder + "\")\n";
  if (kind == "timm")
    return "import timm\n\nmodel = timm.create_model(\"local-dir:" + folder +
           "\", pretrained=True, num_classes=0)\n";
  if (kind == "open_clip")
    return "import open_clip\n\nmodel = open_clip.create_model(\"local-dir:" + folder + "\")\n";
  return "from transformers import AutoModel\n\nmodel = AutoModel.from_pretrained(\"" + folder + "\")\n";
}

void write_adapters(const HubSource& source, const TensorMap& ours, const FolderOptions& options,
                    const fs::path& to) {
  json config = source.adapters->config;
  config["base_model_name_or_path"] = source.folder.string();
  write_file_synced(to / "adapter_config.json", json_text(config, 2) + "\n");
  write_weights(to / "adapter_model.safetensors", adapters_alone(*source.adapters, ours, options.type),
                UINT64_MAX);
}

// The kind of the folder that was written.
std::string write_settings_of(const RunConfig& config, const HubSource& source, const fs::path& to) {
  const int64_t max_tokens = input_shape(config).max_tokens;
  if (source.kind == "sentence_transformers" && source.is_exported) {
    adjust_sentence_modules(to, config.normalize, max_tokens);
    return source.kind;
  }
  if (source.pooling.empty() || source.pooling == "pooler") return source.kind;
  write_sentence_modules(to, {.pooling = source.pooling,
                              .width = config.encoder->output_dim(),
                              .max_tokens = max_tokens,
                              .normalize = config.normalize});
  return "sentence_transformers";
}

// The weights of an index have the index's name without its ending, in shards or in one file.
fs::path without_index(const fs::path& file) {
  const std::string name = file.string();
  constexpr std::string_view kIndex = ".index.json";
  return name.ends_with(kIndex) ? fs::path(name.substr(0, name.size() - kIndex.size())) : file;
}

}  // namespace

ModelFolder write_model_folder(TrainedModel& model, const FolderOptions& options, const fs::path& folder) {
  std::error_code error;
  if (path_exists(folder) && (!is_folder(folder) || !folder_entries(folder, error).empty() || error))
    throw ConfigError("--output: expected a folder that is new or empty, got " + folder.string() +
                      "; name another one");
  const RunConfig& config = model.config();
  const HubSource source = hub_source(model, options.source);
  const bool alone = options.adapters == AdapterForm::kAlone;
  if (alone && !source.adapters)
    throw ConfigError(
        "--adapters alone: expected an encoder with adapters, got one without; export it by "
        "tools/export_encoder.py --lora, or leave the option out");
  TensorMap ours = weights_of(config.encoder->parameters());
  const fs::path whole = absolute_path(folder), part = fs::path(whole).concat(".partial");
  fs::remove_all(part, error);  // of an export that was stopped
  make_folders(part);
  ModelFolder made{.python = loading(source.kind, folder.string()), .left = ""};
  if (alone) {
    write_adapters(source, ours, options, part);
    made.python += "# and the adapters: peft.PeftModel.from_pretrained(model, \"" + folder.string() + "\")\n";
  } else {
    if (source.adapters) merge_adapters(*source.adapters, ours);
    made.left = Copy(source.folder, part).left();
    set_type_of(part, options.type);
    made.python = loading(write_settings_of(config, source, part), folder.string());
    for (const auto& [file, names] : source.files) {
      make_folders((part / file).parent_path());
      write_weights(part / without_index(file),
                    with_trained_weights(source.folder / file, names, ours, options.type),
                    options.shard_bytes);
    }
  }
  rename_synced(part, whole);
  return made;
}

}  // namespace lodestone::run
