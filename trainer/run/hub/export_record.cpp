#include "trainer/run/hub/export_record.h"

#include <algorithm>

#include "common/error.h"
#include "common/json_reader.h"
#include "common/printable.h"

namespace lodestone::run {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int64_t kVersion = 1;

// A path that leads to a file of weights below the folder that it begins in.
bool stays_below(const std::string& path) {
  const fs::path parts(path);
  return !path.empty() && parts.is_relative() &&
         std::ranges::none_of(parts, [](const fs::path& part) { return part == ".." || part == "."; }) &&
         (path.ends_with(".safetensors") || path.ends_with(".safetensors.index.json"));
}

ProgramRecord program_of(const json& entry, const std::string& name) {
  ProgramRecord program;
  for (const auto& [file, names] : entry.at("files").items()) {
    if (!stays_below(file))
      throw DataError(name + ": expected files of weights in the model's folder, got " + printable(file) +
                      "; export the encoder again");
    program.files[file] = names.get<NamesInFile>();
  }
  if (const auto lora = entry.find("lora"); lora != entry.end())
    program.adapters = {.scaling = lora->at("scaling").get<double>(),
                        .prefix = lora->at("prefix").get<std::string>(),
                        .layers = lora->at("layers").get<std::vector<std::string>>(),
                        .config = lora->at("config")};
  return program;
}

}  // namespace

ExportRecord parse_export_record(std::string_view text, const std::string& name) {
  const json about = read_json(text).value_or(nullptr);
  try {
    if (about.at("version").get<int64_t>() != kVersion)
      throw DataError(name + ": expected version " + std::to_string(kVersion) +
                      " of a record, got another; export the encoder again with this version's tool");
    ExportRecord record{.kind = about.at("kind").get<std::string>(),
                        .source = about.at("source").get<std::string>(),
                        .pooling = about.value("pooling", ""),
                        .programs = {}};
    for (const auto& [file, entry] : about.at("programs").items())
      record.programs.emplace(file, program_of(entry, name));
    return record;
  } catch (const json::exception&) {
    throw DataError(name +
                    ": expected the record that tools/export_encoder.py writes, got another form; export the "
                    "encoder again");
  }
}

}  // namespace lodestone::run
