#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/tensor_groups.h"
#include "trainer/coordinator/checkpoints/file_images.h"
#include "trainer/coordinator/checkpoints/retention.h"
#include "trainer/coordinator/warn.h"

namespace lodestone::coordinator {

/// The state of a run at one step, in memory. Each group of tensors ("model", "optimizer" …) becomes a
/// safetensors file of that name; `state` holds everything that is not a tensor.
/// Ensures   doubles and 64-bit integers in `state` are restored bit for bit; NaN and infinity cannot be
///           stored there
struct Snapshot {
  TensorGroups tensors;
  nlohmann::json state;
};

/// What is stored with a snapshot besides its state.
struct SaveInfo {
  /// Steps done.
  int64_t step = 0;
  /// Number of ranks of the run.
  int64_t world = 1;
  /// The resolved configuration.
  std::string config_yaml;
  /// Which checkpoints are kept after this save.
  Retention retention;
  /// How often the run had been continued from a checkpoint.
  int64_t generation = 0;
  /// Metrics of the evaluation at this step; empty if there was none.
  std::map<std::string, double> metrics;
  /// SHA-256 of each code file that the model is computed by, by file name.
  std::map<std::string, std::string> code = {};
};

/// The result of a successful save.
struct SavedCheckpoint {
  std::filesystem::path path;
  /// Size of all its files.
  uint64_t bytes = 0;
  /// Time from the call until the checkpoint was durable on disk.
  double seconds = 0;
  /// True if an intact checkpoint of the same step and configuration existed already, and nothing was
  /// written.
  bool kept = false;
};

/// A checkpoint loaded into memory, with every byte verified.
struct Checkpoint {
  std::filesystem::path path;
  int64_t step = 0;
  int64_t world = 1;
  std::string config_yaml;
  Snapshot snapshot;
  int64_t generation = 0;
  std::map<std::string, std::string> code = {};  ///< as in SaveInfo
};

/// The result of verifying one file, or one tensor within a file.
struct CheckpointItem {
  std::string file;
  std::string tensor;   ///< empty if the item is the file itself
  uint64_t offset = 0;  ///< position of the item in its file, in bytes
  uint64_t bytes = 0;
  std::string problem;  ///< empty if the item is intact

  bool ok() const { return problem.empty(); }
};

/// The result of verifying a whole checkpoint.
struct CheckpointReport {
  std::filesystem::path path;
  int64_t step = -1;  ///< -1 if the manifest is unreadable
  int64_t world = 0;
  std::string config_hash;
  std::string build;  ///< versions of the program and LibTorch that wrote it
  int64_t generation = 0;
  std::map<std::string, double> metrics;
  std::map<std::string, std::string> code;  ///< as in SaveInfo
  std::vector<CheckpointItem> items;

  bool ok() const;
  /// "model.safetensors, tensor 'conv1.weight', offset 4096: …; …", or empty if everything is intact.
  std::string damage() const;
};

/// Saves a snapshot as the immutable folder root/step-00000100, then deletes the checkpoints that `retention`
/// does not keep. The folder is written under a temporary name; each file is read back and compared as it is
/// written; all files are fsynced; the rename to the final name commits. Until then no older checkpoint is
/// changed. Afterwards the text file `latest`, for people and scripts, names the checkpoint; loading does not
/// depend on it. Temporary folders left by dead processes are removed.
///
///     Snapshot snapshot;
///     snapshot.tensors["model"]["weight"] = at::ones({2, 3});
///     snapshot.state = {{"step", 100}};
///     save_checkpoint("runs/demo/checkpoints", snapshot, {.step = 100, .config_yaml = "seed: 1\n"});
///     const Checkpoint loaded = load_checkpoint("runs/demo");
///     const at::Tensor weight = loaded.snapshot.tensors.at("model").at("weight");
///
/// Ranks     call it on one rank: only one writer per root
/// Cost      two passes over the bytes for checksums, while the disk is writing
/// Throws    IoError (disk full, no permission): older checkpoints are intact and no temporary file is left;
///           CheckpointError if the snapshot cannot be stored (dtype, a group name that is not a plain file
///           name, text that is not UTF-8, a number in `state` that is not finite)
SavedCheckpoint save_checkpoint(const std::filesystem::path& root, const Snapshot& snapshot,
                                const SaveInfo& info, const Warn& warn = {});

/// The same for tensors that have been copied into `images` already; allocates no further copy.
SavedCheckpoint save_checkpoint(const std::filesystem::path& root, const FileImages& images,
                                const nlohmann::json& state, const SaveInfo& info, const Warn& warn = {});

/// The step-XXXXXXXX folders below `root`, newest first, without verification.
/// Empty if `root` does not exist.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& root);

/// The checkpoint with the highest step that verifies; nullopt if there is none. `warn` receives each damaged
/// checkpoint above it.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& root,
                                                       const Warn& warn = {});

/// Loads one checkpoint or, if `path` is a folder of checkpoints or a run folder, the newest one that
/// verifies. `warn` receives each damaged checkpoint that is skipped. All bytes are verified before the
/// function returns.
/// Throws    CheckpointError that names file, tensor and offset of the damage, or that says that there is no
///           checkpoint
Checkpoint load_checkpoint(const std::filesystem::path& path, const Warn& warn = {});

/// Compares every byte of one checkpoint with its manifest. Damage is reported, not thrown.
CheckpointReport verify_checkpoint(const std::filesystem::path& path);

}  // namespace lodestone::coordinator
