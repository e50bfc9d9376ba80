#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace lodestone {

/// The names in a run folder. Makes nothing by itself.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path root) : root_(std::move(root)) {}
  /// The one that a checkpoint's folder lies in.
  static RunFolder of_checkpoint(const std::filesystem::path& checkpoint);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path config() const { return root_ / "config.yaml"; }
  std::filesystem::path metrics() const { return root_ / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path flight() const { return root_ / "flight"; }
  std::filesystem::path report() const { return root_ / "report.html"; }

  /// The last part of the path: what the run is called.
  std::string name() const;

  /// Whether a run has been here: its checkpoints, or its configuration beside its metrics or its
  /// checkpoints' folder. What else a folder holds makes it no run's.
  bool holds_run() const;

  /// Makes the folders and writes the resolved configuration, so that a folder that can't be written is found
  /// before training starts. Requires its lock. Throws IoError.
  void prepare(std::string_view config_yaml) const;

  /// Renames the folder to a name beside it that is free (name.1, name.2 …) and returns that. Requires its
  /// lock, which goes with it. Throws ConfigError if it can't be renamed: a mount point, the working folder,
  /// a parent that can't be written.
  std::filesystem::path set_aside() const;

 private:
  std::filesystem::path root_;
};

/// path.1, path.2 …: the first that is not there.
std::filesystem::path free_name(const std::filesystem::path& path);

/// Holds a run folder for one process while it lives: two trainings in one folder would write over each
/// other. Nothing in the folder is written, renamed or removed without it; ranks of a job share rank 0's.
class RunLock {
 public:
  /// Makes the folder if it isn't there. Throws IoError if another process holds it, or it can't be made.
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(RunLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RunLock& operator=(RunLock&&) = delete;

 private:
  int fd_;
};

}  // namespace lodestone
