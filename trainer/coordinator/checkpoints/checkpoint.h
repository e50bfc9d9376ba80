#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/safetensors.h"
#include "trainer/coordinator/checkpoints/file_images.h"
#include "trainer/coordinator/checkpoints/retention.h"
#include "trainer/coordinator/warn.h"

namespace lodestone {

/// A moment of a run. Each group of tensors ("model", "optimizer" …) is a safetensors file of that name; what
/// is not a tensor is in `state`. Doubles and 64-bit integers in `state` come back bit for bit; NaN and
/// infinity do not.
struct Snapshot {
  std::map<std::string, TensorMap> tensors;
  nlohmann::json state;
};

/// What is said of a snapshot when it is saved.
struct SaveInfo {
  int64_t step = 0;                        ///< steps done
  int64_t world = 1;                       ///< ranks of the run
  std::string config_yaml;                 ///< the resolved configuration
  Retention retention;                     ///< which checkpoints stay
  int64_t generation = 0;                  ///< how often the run had been continued from a checkpoint
  std::map<std::string, double> measures;  ///< what the model was worth at this step, if it was judged
  std::map<std::string, std::string> code =
      {};  ///< files of code that the model is computed by, with their SHA-256
};

struct SavedCheckpoint {
  std::filesystem::path path;
  uint64_t bytes = 0;  ///< of all its files
  double seconds = 0;  ///< from the call to durable on disk
  bool kept =
      false;  ///< the same step was there already, whole and of the same configuration; nothing was written
};

/// A checkpoint in memory, every byte of it verified.
struct Checkpoint {
  std::filesystem::path path;
  int64_t step = 0;
  int64_t world = 1;
  std::string config_yaml;
  Snapshot snapshot;
  int64_t generation = 0;
  std::map<std::string, std::string> code = {};  ///< as in SaveInfo
};

/// One file, or one tensor of a file, as verification found it.
struct CheckpointItem {
  std::string file;
  std::string tensor;   ///< empty: the file itself
  uint64_t offset = 0;  ///< where it begins in the file
  uint64_t bytes = 0;
  std::string problem;  ///< empty: as it was saved

  bool ok() const { return problem.empty(); }
};

struct CheckpointReport {
  std::filesystem::path path;
  int64_t step = -1;  ///< -1: the manifest is unreadable
  int64_t world = 0;
  std::string config_hash;
  std::string build;  ///< versions that wrote it
  int64_t generation = 0;
  std::map<std::string, double> measures;
  std::map<std::string, std::string> code;  ///< as in SaveInfo
  std::vector<CheckpointItem> items;

  bool ok() const;
  /// "model.safetensors, tensor 'conv1.weight', offset 4096: …; …" or empty.
  std::string damage() const;
};

/// Saves a snapshot as the immutable folder root/step-00000100 and then deletes what `retention` doesn't keep.
/// The folder is written under a temporary name, each file read back while it is written, all fsynced, and committed by rename;
/// at no moment is an older checkpoint touched before that. `latest`, a text file for people and scripts, then names it; loading
/// doesn't depend on it. Temporary folders that dead processes left behind are removed.
/// Ranks     call it on one rank: one writer a root
/// Throws    IoError (disk full, no permission): older checkpoints are intact and no temporary file stays behind;
///           CheckpointError if the snapshot can't be stored (dtype, a group name that isn't a plain name, non-UTF-8)
/// Cost      two passes over the bytes for checksums, made while the disk is at work
SavedCheckpoint save_checkpoint(const std::filesystem::path& root, const Snapshot& snapshot,
                                const SaveInfo& info, const Warn& warn = {});

/// The same for tensors that were copied already; needs no further memory.
SavedCheckpoint save_checkpoint(const std::filesystem::path& root, const FileImages& images,
                                const nlohmann::json& state, const SaveInfo& info, const Warn& warn = {});

/// The step-XXXXXXXX folders below `root`, newest first, unverified. Empty if there is no such folder.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& root);

/// The checkpoint of the highest step that verifies; each damaged one above it is named to `warn`.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& root,
                                                       const Warn& warn = {});

/// Loads one checkpoint or, given a folder of checkpoints or a run folder, its newest one that verifies (each
/// damaged one is named to `warn`). Everything is verified before it returns. Throws   CheckpointError naming
/// file, tensor and offset of the damage, or that there is none
Checkpoint load_checkpoint(const std::filesystem::path& path, const Warn& warn = {});

/// Compares every byte of one checkpoint with its manifest. Doesn't throw for damage, it reports it.
CheckpointReport verify_checkpoint(const std::filesystem::path& path);

}  // namespace lodestone
