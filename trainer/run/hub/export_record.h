#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lodestone::run {

/// Tensors of a file of weights, and the parameter of the encoder that each one is.
using NamesInFile = std::map<std::string, std::string>;

/// Low-rank adapters in an exported program: the layer L has L.base_layer.weight, L.lora_A.default.weight and
/// L.lora_B.default.weight, and computes with base + scaling · B A.
struct Adapters {
  double scaling = 1;
  std::string prefix;  ///< of the layers' names, before those in the folder's model
  std::vector<std::string> layers;
  nlohmann::json config;  ///< adapter_config.json
};

struct ProgramRecord {
  std::map<std::string, NamesInFile> files;  ///< by path in the source's folder
  std::optional<Adapters> adapters;
};

/// export.json, which tools/export_encoder.py writes beside its programs: where their weights come from.
struct ExportRecord {
  std::string kind;  ///< transformers, sentence_transformers, timm, open_clip
  std::filesystem::path source;
  std::string pooling;                            ///< of texts of a folder that does not say it; "" otherwise
  std::map<std::string, ProgramRecord> programs;  ///< by the file's name
};

/// Parses such a file; `name` is the file's, for messages. The text is untrusted: the paths of files of
/// weights stay below the folder.
/// Throws    DataError
ExportRecord parse_export_record(std::string_view text, const std::string& name);

}  // namespace lodestone::run
