#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lodestone::coordinator {

/// Position, size and checksum of one tensor within its file.
struct ManifestTensor {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string checksum;
};

/// One file of a checkpoint. `tensors` is empty for a file that is not safetensors.
struct ManifestFile {
  uint64_t bytes = 0;
  std::string checksum;
  std::map<std::string, ManifestTensor> tensors;
};

/// The contents of a checkpoint: MANIFEST.json, which is written last.
struct Manifest {
  static constexpr const char* kFileName = "MANIFEST.json";
  static constexpr int64_t kFormatVersion = 1;

  int64_t step = 0;
  int64_t world = 1;
  std::string config_hash;
  std::string build;
  /// How often the run had been continued from a checkpoint.
  int64_t generation = 0;
  /// Metrics of the evaluation at this step; empty if there was none.
  std::map<std::string, double> metrics;
  std::map<std::string, ManifestFile> files;
  /// SHA-256 of each code file outside the checkpoint, by file name; empty for most models.
  std::map<std::string, std::string> code = {};
};

/// The manifest as JSON. Its first member is the checksum of all bytes after that member's line, so that
/// damage to the manifest itself is detected as damage to any other file is.
std::string render_manifest(const Manifest& manifest);

/// Parses untrusted text: the checksum is compared first; file names must be plain names.
/// Throws    CheckpointError whose message begins with `name`
Manifest parse_manifest(std::string_view text, const std::string& name);

}  // namespace lodestone::coordinator
