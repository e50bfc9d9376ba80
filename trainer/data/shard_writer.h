#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lodestone::data {

/// A shard that was written.
struct ShardFile {
  std::string name;  ///< file name, "train-00000.tar"
  uint64_t bytes = 0;
  std::string checksum;  ///< checksum of the file
};

/// Writes one tar shard (ustar) whose bytes depend only on the members: owner 0, mode 0644, time 0, order as
/// added. The members are collected in memory and written when the shard is closed; a shard that is not
/// closed leaves no file.
/// Throws    IoError if the file cannot be written, DataError if a member's name does not fit the format
/// Threads   one caller at a time
class ShardWriter {
 public:
  explicit ShardWriter(std::filesystem::path path);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  void add(const std::string& name, std::string_view bytes);
  void add(const std::string& name, std::span<const uint8_t> bytes);

  /// Ends the archive and writes it to disk, durably.
  ShardFile close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone::data
