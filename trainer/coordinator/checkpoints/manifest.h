#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lodestone {

/// The bytes of one tensor within its file.
struct ManifestTensor {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string checksum;
};

/// One file of a checkpoint. `tensors` is empty for files that are not safetensors.
struct ManifestFile {
  uint64_t bytes = 0;
  std::string checksum;
  std::map<std::string, ManifestTensor> tensors;
};

/// What a checkpoint consists of: MANIFEST.json, written last.
struct Manifest {
  static constexpr const char* kFileName = "MANIFEST.json";
  static constexpr int64_t kFormatVersion = 1;

  int64_t step = 0;
  int64_t world = 1;
  std::string config_hash;
  std::string build;
  int64_t generation = 0;  ///< how often the run had been continued from a checkpoint
  std::map<std::string, double>
      measures;  ///< what the model was worth at this step; empty if it wasn't judged
  std::map<std::string, ManifestFile> files;
  std::map<std::string, std::string> code =
      {};  ///< files of code outside the checkpoint, with their SHA-256; most models have none
};

/// The manifest as JSON. Its first member is the checksum of all bytes after that member's line, so that
/// damage to the manifest shows as damage to any other file does.
std::string render_manifest(const Manifest& manifest);

/// Untrusted input: the checksum is compared before anything else is looked at; file names must be plain
/// names. Throws CheckpointError that begins with `name`.
Manifest parse_manifest(std::string_view text, const std::string& name);

}  // namespace lodestone
