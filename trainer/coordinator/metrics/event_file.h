#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/coordinator/warn.h"

namespace lodestone::coordinator {

/// One scalar of a step.
struct EventScalar {
  std::string tag;  ///< name in TensorBoard, such as "train/loss"
  double value = 0;
};

/// A TensorBoard event file with scalars by step. Each record consists of a length, its masked CRC-32C, an
/// Event in protocol buffers' wire format, and the masked CRC-32C of that. The record of a call has been
/// written to the kernel when the call returns. A record that cannot be written does not stop training; the
/// first one is passed to `warn`.
/// Threads   caller serializes
class EventFile {
 public:
  /// Creates the folder and a new file in it.
  /// Throws    IoError
  EventFile(const std::filesystem::path& folder, Warn warn);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  void add(int64_t step, const std::vector<EventScalar>& scalars);
  const std::filesystem::path& path() const { return path_; }

 private:
  void write_record(std::string_view event);

  std::filesystem::path path_;
  Warn warn_;
  int fd_ = -1;
  bool warned_ = false;
};

}  // namespace lodestone::coordinator
