#include <algorithm>

#include "common/files.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/manifest.h"

namespace lodestone::coordinator {

namespace {

constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 30;

// The problem of a file as a whole; empty if there is none.
std::string compare_file(const ManifestFile& expected, std::string_view bytes) {
  if (bytes.size() != expected.bytes)
    return "expected " + std::to_string(expected.bytes) + " bytes, got " + std::to_string(bytes.size());
  const std::string found = checksum(bytes);
  if (found != expected.checksum) return "expected checksum " + expected.checksum + ", got " + found;
  return {};
}

std::string compare_tensor(const ManifestTensor& expected, std::string_view file) {
  if (expected.offset > file.size() || expected.bytes > file.size() - expected.offset)
    return "expected " + std::to_string(expected.bytes) + " bytes, got the end of the file";
  const std::string found = checksum(file.substr(expected.offset, expected.bytes));
  if (found != expected.checksum) return "expected checksum " + expected.checksum + ", got " + found;
  return {};
}

// Adds the file and its tensors to the items; returns whether the file is intact. Offsets of tensors come
// from the manifest, so that damage is located even if the file's own header cannot be read.
bool check_file(const std::string& name, const ManifestFile& expected, std::string_view bytes,
                std::vector<CheckpointItem>& items) {
  const size_t own = items.size();
  items.push_back({name, "", 0, expected.bytes, compare_file(expected, bytes)});
  const bool whole = items[own].ok();
  bool tensor_damaged = false;
  for (const auto& [tensor, place] : expected.tensors) {
    const std::string problem = whole ? "" : compare_tensor(place, bytes);
    tensor_damaged |= !problem.empty();
    items.push_back({name, tensor, place.offset, place.bytes, problem});
  }
  if (!whole && !expected.tensors.empty() && !tensor_damaged)
    items[own].problem += " (its tensors are whole: the header is not)";
  return whole;
}

// The manifest; if it is not usable, its problem becomes an item of the report.
std::optional<Manifest> read_manifest(const std::filesystem::path& path, CheckpointReport& report) {
  try {
    const std::string text = read_file(path / Manifest::kFileName, kMaxManifestBytes);
    Manifest manifest = parse_manifest(text, Manifest::kFileName);
    report.step = manifest.step;
    report.world = manifest.world;
    report.config_hash = manifest.config_hash;
    report.build = manifest.build;
    report.generation = manifest.generation;
    report.metrics = manifest.metrics;
    report.code = manifest.code;
    report.items.push_back({Manifest::kFileName, "", 0, text.size(), ""});
    return manifest;
  } catch (const Error& error) {
    report.items.push_back({Manifest::kFileName, "", 0, 0, error.what()});
    return std::nullopt;
  }
}

}  // namespace

CheckpointReport read_checkpoint_files(const std::filesystem::path& path,
                                       const std::function<void(const std::string&, std::string_view)>& use) {
  CheckpointReport report;
  report.path = path;
  const auto manifest = read_manifest(path, report);
  if (!manifest) return report;
  for (const auto& [name, file] : manifest->files) {
    std::string bytes;
    try {
      bytes = read_file(path / name, UINT64_MAX);
    } catch (const IoError& error) {
      report.items.push_back({name, "", 0, file.bytes, error.what()});
      continue;
    }
    if (check_file(name, file, bytes, report.items)) use(name, bytes);
  }
  return report;
}

CheckpointReport verify_checkpoint(const std::filesystem::path& path) {
  return read_checkpoint_files(path, [](const std::string&, std::string_view) {});
}

bool CheckpointReport::ok() const {
  return std::all_of(items.begin(), items.end(), [](const CheckpointItem& item) { return item.ok(); });
}

std::string CheckpointReport::damage() const {
  constexpr size_t kNamed = 8;  // limits the text: a truncated file damages all tensors after the cut
  std::string text;
  size_t damaged = 0;
  for (const auto& item : items) {
    if (item.ok() || ++damaged > kNamed) continue;
    text += (text.empty() ? "" : "; ") + item.file;
    if (!item.tensor.empty()) text += ", tensor '" + item.tensor + "', offset " + std::to_string(item.offset);
    text += ": " + item.problem;
  }
  if (damaged > kNamed) text += "; and " + std::to_string(damaged - kNamed) + " more";
  return text;
}

}  // namespace lodestone::coordinator
