#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/files.h"

namespace lodestone {

/// Writes one large file piece by piece. Each piece goes to the system at once, which is told to start storing it; it is read back
/// and compared with what was given, and enters the checksum, while the disk is at work.
/// What the comparison sees  the system's copy of the file, not the disk's platters: a write that went wrong on its way there is
///                           reported by finish(), a bit that flips later by whoever compares the checksum
/// Throws    IoError. The file stays under its name: it is for folders that are committed, or removed, as a whole.
class FileWriter {
 public:
  /// kNone neither reads back nor adds up, so that a benchmark can tell what kAll costs; finish() then has nothing to return.
  enum class Verification { kAll, kNone };
  /// Creates or empties the file.
  explicit FileWriter(const std::filesystem::path& path, Verification verification = Verification::kAll);
  ~FileWriter();
  FileWriter(FileWriter&&) noexcept;

  void write(std::string_view bytes);
  uint64_t bytes() const;
  /// Waits until all is durable, closes, and returns the checksum of the bytes (as `checksum` of files.h has it).
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone
