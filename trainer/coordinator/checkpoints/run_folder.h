#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace lodestone::coordinator {

/// The file names within a run folder. Construction creates nothing on disk.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path root) : root_(std::move(root)) {}
  /// The run folder that contains a checkpoint's folder.
  static RunFolder of_checkpoint(const std::filesystem::path& checkpoint);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path config() const { return root_ / "config.yaml"; }
  std::filesystem::path metrics() const { return root_ / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path flight() const { return root_ / "flight"; }
  std::filesystem::path report() const { return root_ / "report.html"; }

  /// The name of the run: the last component of the path.
  std::string name() const;

  /// Whether the folder holds a run: checkpoints, or a configuration together with metrics or a folder of
  /// checkpoints. Other files do not count.
  bool holds_run() const;

  /// Throws ConfigError if the folder has a config.yaml or a metrics.jsonl that is no run's: it is somebody's
  /// own and must not be replaced.
  void refuse_foreign() const;

  /// Creates the folders and writes the resolved configuration, so that a folder that cannot be written is
  /// found before training starts.
  /// Requires  the folder's lock
  /// Throws    IoError
  void prepare(std::string_view config_yaml) const;

  /// Renames the folder to the first free name beside it (name.1, name.2 …) and returns that name.
  /// Requires  the folder's lock, which moves with the folder
  /// Throws    ConfigError if it cannot be renamed: a mount point, the working folder, a parent that is not
  ///           writable
  std::filesystem::path set_aside() const;

 private:
  std::filesystem::path root_;
};

/// The first of path.1, path.2 … that does not exist.
std::filesystem::path free_name(const std::filesystem::path& path);

/// Holds a run folder for one process, since two trainings in one folder would overwrite each other. Nothing
/// in the folder is written, renamed or removed without the lock; the ranks of a job share rank 0's.
/// Owns      the lock, for the lifetime of the object
class RunLock {
 public:
  /// Creates the folder if it does not exist.
  /// Throws    IoError if another process holds the folder, or if it cannot be created
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(RunLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RunLock& operator=(RunLock&&) = delete;

 private:
  int fd_;
};

}  // namespace lodestone::coordinator
