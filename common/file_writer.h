#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/files.h"

namespace lodestone {

/// Writes one large file in pieces. Each piece is handed to the system at once, which starts to store it.
/// While the disk works, the piece is read back, compared with the original and added to the checksum.
/// Limits    the comparison reads the system's cached copy, not the disk. finish() reports a write that fails
///           on its way to the disk; comparing the checksum later finds a bit that flips afterwards.
/// Throws    IoError. The file then stays under its name: use it inside folders that are committed or removed
///           as a whole.
class FileWriter {
 public:
  /// kNone neither reads back nor computes a checksum, so that a benchmark can measure the cost of kAll;
  /// finish() then returns "".
  enum class Verification { kAll, kNone };
  /// Creates or truncates the file.
  explicit FileWriter(const std::filesystem::path& path, Verification verification = Verification::kAll);
  ~FileWriter();
  FileWriter(FileWriter&&) noexcept;

  void write(std::string_view bytes);
  uint64_t bytes() const;
  /// Waits until everything is durable, closes the file, and returns the checksum of the bytes (`checksum` of
  /// files.h).
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone
