#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestone::sampler {

/// Number of a data set's files that are kept open; others are opened for each read, since processes may have
/// few open files.
inline constexpr size_t kFilesKeptOpen = 256;

/// A file open for reading at any offset.
/// Throws    DataError naming path, offset and the system's reason.
/// Threads   const methods are safe concurrently (pread).
/// Owns      one file descriptor.
class PositionedFile {
 public:
  explicit PositionedFile(std::string path);
  ~PositionedFile();
  PositionedFile(PositionedFile&& other) noexcept;
  PositionedFile& operator=(PositionedFile&&) = delete;

  const std::string& path() const { return path_; }
  /// Size in bytes when the file was opened.
  int64_t size() const { return size_; }
  /// Time of the last change when the file was opened, in nanoseconds since 1970.
  int64_t changed() const { return changed_; }
  /// Exactly `length` bytes from `offset`.
  std::vector<std::byte> read(int64_t offset, int64_t length) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
  int64_t changed_ = 0;
};

}  // namespace lodestone::sampler
