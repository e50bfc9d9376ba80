#include "trainer/coordinator/checkpoints/manifest.h"

#include <algorithm>

#include "common/error.h"
#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"

namespace lodestone::coordinator {

namespace {

using nlohmann::json;

constexpr const char* kFormatName = "lodestone checkpoint";

// The first two lines of every manifest.
std::string head_for(std::string_view rest) {
  return "{\n  \"checksum\": \"" + checksum(rest) + "\",\n";
}

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& got) {
  throw CheckpointError(name + ": expected " + expected + ", got " + got + "; use another checkpoint");
}

json tensor_json(const ManifestTensor& tensor) {
  return {{"offset", tensor.offset}, {"bytes", tensor.bytes}, {"checksum", tensor.checksum}};
}

// A file name is opened below the checkpoint's folder and must not lead out of it.
void check_plain(const std::string& file, const std::string& name) {
  if (file.empty() || file == "." || file == ".." ||
      file.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
    refuse(name, "plain file names", "'" + file + "'");
}

// get() alone would convert fractions, negative numbers and numbers that are too large.
uint64_t size_at(const json& entry, const char* key, const std::string& name) {
  const json& value = entry.at(key);
  if (!value.is_number_unsigned())
    refuse(name, std::string(key) + " a whole number from 0", json_text(value));
  return value.get<uint64_t>();
}
int64_t count_at(const json& entry, const char* key, const std::string& name) {
  const uint64_t value = size_at(entry, key, name);
  if (value > static_cast<uint64_t>(INT64_MAX))
    refuse(name, std::string(key) + " below 2^63", std::to_string(value));
  return static_cast<int64_t>(value);
}

ManifestFile parse_file(const json& entry, const std::string& name) {
  ManifestFile file{size_at(entry, "bytes", name), entry.at("checksum").get<std::string>(), {}};
  if (!entry.contains("tensors")) return file;
  for (const auto& [tensor_name, tensor] : entry.at("tensors").items()) {
    file.tensors[tensor_name] = {size_at(tensor, "offset", name), size_at(tensor, "bytes", name),
                                 tensor.at("checksum").get<std::string>()};
  }
  return file;
}

}  // namespace

std::string render_manifest(const Manifest& manifest) {
  json files = json::object();
  for (const auto& [name, file] : manifest.files) {
    json& entry = files[name] = {{"bytes", file.bytes}, {"checksum", file.checksum}};
    for (const auto& [tensor_name, tensor] : file.tensors)
      entry["tensors"][tensor_name] = tensor_json(tensor);
  }
  json whole = {{"format", kFormatName},
                {"format_version", Manifest::kFormatVersion},
                {"step", manifest.step},
                {"world", manifest.world},
                {"build", manifest.build},
                {"config_hash", manifest.config_hash},
                {"files", files},
                {"generation", manifest.generation},
                {"measures", manifest.metrics}};
  if (!manifest.code.empty()) whole["code"] = manifest.code;
  const std::string rest =
      json_text(whole, 2).substr(2) + "\n";  // without the brace and the line break that the head contains
  return head_for(rest) + rest;
}

Manifest parse_manifest(std::string_view text, const std::string& name) {
  const size_t head_bytes = head_for("").size();
  const std::string_view rest = text.substr(std::min(text.size(), head_bytes));
  if (text.substr(0, head_bytes) != head_for(rest))
    refuse(name, "the checksum of its content in its first member",
           "another: the manifest is damaged or incomplete");
  const json whole = parse_json(text, name);
  try {
    if (whole.at("format") != kFormatName) refuse(name, kFormatName, json_text(whole.at("format")));
    if (whole.at("format_version") != Manifest::kFormatVersion)
      refuse(name, "format version " + std::to_string(Manifest::kFormatVersion),
             json_text(whole.at("format_version")));
    Manifest manifest{count_at(whole, "step", name),
                      count_at(whole, "world", name),
                      whole.at("config_hash").get<std::string>(),
                      whole.at("build").get<std::string>(),
                      count_at(whole, "generation", name),
                      whole.at("measures").get<std::map<std::string, double>>(),
                      {}};
    for (const auto& [file, entry] : whole.at("files").items()) {
      check_plain(file, name);
      manifest.files[file] = parse_file(entry, name);
    }
    if (const auto code = whole.find("code"); code != whole.end())
      manifest.code = code->get<std::map<std::string, std::string>>();
    return manifest;
  } catch (const json::exception& error) {
    refuse(name, "the members of a manifest", error.what());
  }
}

}  // namespace lodestone::coordinator
