#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace lodestone::distributed {

/// A collective or message as seen by this rank.
struct FlightEntry {
  enum class State { kUnderWay, kDone, kFailed };

  uint64_t sequence = 0;  ///< number among this rank's calls, from 1
  std::string group;
  const char* operation = "";
  int64_t bytes = 0;  ///< of the transferred tensor
  int64_t step = 0;
  State state = State::kUnderWay;
  std::chrono::system_clock::time_point begun, ended;
};

/// Records the last 2,048 transfers of one rank in a ring buffer, to find out afterwards which rank was
/// where. With GroupOptions::compare_calls, these are the last 1,024 collectives, each preceded by its
/// comparison, 16 bytes under the same operation. On CUDA it has the transfers of Group, not the Reducer's
/// buckets.
/// Cost      a tenth of a microsecond per begin and end.
/// Threads   all methods are safe concurrently.
class FlightRecord {
 public:
  static constexpr size_t kLength = 2048;

  /// Returns the sequence number for end().
  uint64_t begin(const std::string& group, const char* operation, int64_t bytes, int64_t step);
  void end(uint64_t sequence, bool well);
  /// From the oldest to the newest.
  std::vector<FlightEntry> entries() const;

 private:
  mutable std::mutex mutex_;
  std::array<FlightEntry, kLength> ring_;
  uint64_t newest_ = 0;
};

}  // namespace lodestone::distributed
