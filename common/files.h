#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"

namespace lodestone {

/// Input or output failed; the message has path, operation and the system's reason.
class IoError : public Error {
  using Error::Error;
};

/// Reads the whole file. Throws IoError if it cannot be read or is larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 32);

/// Writes bytes under the final name and fsyncs them, for files inside a folder that is committed as a whole.
/// Throws IoError.
void write_file_synced(const std::filesystem::path& path, std::string_view bytes);

/// Replaces `path` atomically: a temporary file beside it, fsync, rename, fsync of the folder. After a crash
/// at any point, the path has the old or the new content. Throws IoError naming `path`; the temporary file is
/// removed on failure.
void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

/// Makes the names in a folder durable.
void sync_folder(const std::filesystem::path& folder);

/// rename(2), then an fsync of the folder that has the new name.
void rename_synced(const std::filesystem::path& from, const std::filesystem::path& to);

/// Creates the folder and the folders above it. Throws IoError naming path and remedy.
void make_folders(const std::filesystem::path& folder);

/// XXH3 (128 bit, hexadecimal) of the bytes. It detects damage, not malice.
std::string checksum(std::string_view bytes);

/// A new temporary folder, removed by the destructor.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace lodestone
