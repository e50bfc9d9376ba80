#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "trainer/coordinator/warn.h"

namespace lodestone {

struct EventScalar {
  std::string tag;  ///< "train/loss"
  double value = 0;
};

/// A TensorBoard event file: scalars by step. The format: records of length, checksum (CRC-32C, masked), an Event in
/// protocol buffers' wire format, checksum. Each call's record reaches the kernel before it returns. A record that can't
/// be written doesn't stop training; the first is told to `warn`. Threads: caller serializes.
class EventFile {
 public:
  /// Makes a new file in `folder` and the folder itself. Throws IoError.
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

}  // namespace lodestone
