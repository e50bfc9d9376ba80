#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestone {

/// Files of a data set that are kept open; later ones are opened for each read, since processes may hold few files.
inline constexpr size_t kFilesKeptOpen = 256;

/// A file open for reading at any offset.
/// Throws    DataError naming path, offset and the system's reason
/// Threads   const methods are safe concurrently (pread)     Owns  one file descriptor
class PositionedFile {
 public:
  explicit PositionedFile(std::string path);
  ~PositionedFile();
  PositionedFile(PositionedFile&& other) noexcept;
  PositionedFile& operator=(PositionedFile&&) = delete;

  const std::string& path() const { return path_; }
  /// Bytes, when it was opened.
  int64_t size() const { return size_; }
  /// When its content last changed, in nanoseconds since 1970, when it was opened.
  int64_t changed() const { return changed_; }
  /// Exactly `length` bytes from `offset`.
  std::vector<std::byte> read(int64_t offset, int64_t length) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
  int64_t changed_ = 0;
};

}  // namespace lodestone
