#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"

namespace lodestone {

/// Input or output failed: the message says path, operation and the system's reason.
class IoError : public Error {
  using Error::Error;
};

/// The whole file. Throws IoError if it cannot be read or is larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 32);

/// Writes bytes and fsyncs them under their own name (for files inside a folder that is committed as a whole).
void write_file_synced(const std::filesystem::path& path, std::string_view bytes);

/// Replaces `path` atomically: a temporary file beside it, fsync, rename, fsync of the folder. After a crash at any
/// point the path holds the old content or the new. Throws IoError; the temporary file is removed on failure.
void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

/// Makes the names in a folder durable.
void sync_folder(const std::filesystem::path& folder);

/// rename(2) followed by an fsync of the folder that holds the new name.
void rename_synced(const std::filesystem::path& from, const std::filesystem::path& to);

/// mkdir -p with IoError naming the path and remedy.
void make_folders(const std::filesystem::path& folder);

/// XXH3 (128 bit, hexadecimal) of the bytes: detects damage, not malice.
std::string checksum(std::string_view bytes);

/// A folder that disappears with the object.
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
