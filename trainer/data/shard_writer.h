#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lodestone {

/// A shard as written.
struct ShardFile {
  std::string name;  ///< file name, "train-00000.tar"
  uint64_t bytes = 0;
  std::string checksum;  ///< of the file
};

/// Writes one tar shard (ustar) whose bytes depend on the members alone: owner 0, mode 0644, time 0, order as
/// added. The members are gathered in memory and written when the shard is closed; a shard not closed leaves
/// no file. Throws    IoError if the file cannot be written, DataError if a member's name does not fit the
/// format Threads   one caller at a time
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
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lodestone
