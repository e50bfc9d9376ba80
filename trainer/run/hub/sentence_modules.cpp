#include "trainer/run/hub/sentence_modules.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/paths.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kTypes = "sentence_transformers.models.";

void write(const fs::path& file, const json& value) {
  make_folders(file.parent_path());
  write_file_synced(file, json_text(value, 2) + "\n");
}

json module(size_t index, const std::string& type) {
  const std::string number = std::to_string(index);
  return {{"idx", index},
          {"name", number},
          {"path", index == 0 ? "" : number + "_" + type},
          {"type", kTypes + type}};
}

// Normalize has no settings; its folder is what the library looks for.
void add_normalize(json& modules, const fs::path& folder) {
  modules.push_back(module(modules.size(), "Normalize"));
  write(folder / modules.back().at("path").get<std::string>() / "config.json", json::object());
}

void set_length(const fs::path& folder, int64_t max_tokens) {
  const fs::path file = folder / "sentence_bert_config.json";
  json settings = is_file(file) ? read_json(read_file(file)).value_or(json::object()) : json::object();
  if (!settings.is_object()) settings = json::object();
  settings["max_seq_length"] = max_tokens;
  write(file, settings);
}

}  // namespace

void write_sentence_modules(const fs::path& folder, const SentenceModel& model) {
  json modules = json::array({module(0, "Transformer"), module(1, "Pooling")});
  if (model.normalize) add_normalize(modules, folder);
  write(folder / "modules.json", modules);
  write(folder / "1_Pooling" / "config.json", {{"word_embedding_dimension", model.width},
                                               {"pooling_mode_cls_token", model.pooling == "cls"},
                                               {"pooling_mode_mean_tokens", model.pooling == "mean"},
                                               {"pooling_mode_max_tokens", model.pooling == "max"},
                                               {"pooling_mode_mean_sqrt_len_tokens", false},
                                               {"pooling_mode_weightedmean_tokens", false},
                                               {"pooling_mode_lasttoken", model.pooling == "last"},
                                               {"include_prompt", true}});
  set_length(folder, model.max_tokens);
}

void adjust_sentence_modules(const fs::path& folder, bool normalize, int64_t max_tokens) {
  const fs::path file = folder / "modules.json";
  json modules = read_json(read_file(file)).value_or(nullptr);
  const bool usable = modules.is_array() && !modules.empty() && modules.back().is_object() &&
                      modules.back().value("type", json()).is_string();
  if (!usable)
    throw DataError(file.string() +
                    ": expected the list of modules of sentence-transformers, got another form; "
                    "restore the file");
  const bool has = modules.back().at("type").get<std::string>().ends_with("Normalize");
  if (has && !normalize) modules.erase(modules.size() - 1);
  if (!has && normalize) add_normalize(modules, folder);
  if (has != normalize) write(file, modules);
  set_length(folder, max_tokens);
}

}  // namespace lodestone::run
