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

  /// Makes the folders and writes the resolved configuration, so that a folder that can't be written is found
  /// before training starts. Throws IoError.
  void prepare(std::string_view config_yaml) const;

 private:
  std::filesystem::path root_;
};

/// Holds a run folder for one process while it lives: two trainings in one folder would write over each other.
class RunLock {
 public:
  /// Requires prepare(). Throws IoError if another process holds the folder.
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(RunLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RunLock& operator=(RunLock&&) = delete;

 private:
  int fd_;
};

}  // namespace lodestone
