#pragma once

#include <chrono>
#include <filesystem>

namespace lodestone {

/// Keeps other writers of a file out during its lifetime, by a lock on FILE.lock beside it. That file stays;
/// the system releases the lock when the process ends, however it ends.
class FileLock {
 public:
  /// Waits for another writer to finish. Throws IoError after `patience`, or if the lock file cannot be made.
  explicit FileLock(const std::filesystem::path& file,
                    std::chrono::milliseconds patience = std::chrono::seconds(10));
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

}  // namespace lodestone
