#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "distributed/group.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/warn.h"

namespace lodestone::coordinator {

/// Writes the flight record of this rank (distributed/group_watch.h) to flight/generation-G-rank-R.json in
/// the run folder, replacing an earlier one of the same generation. Writes nothing if there is no run folder.
/// Threads   safe concurrently
class FlightDump {
 public:
  FlightDump(distributed::Group world, RunFolder folder, int64_t generation, Warn warn);

  /// Never throws: a failure is passed to `warn`.
  void write(const std::string& reason) const;
  std::filesystem::path path() const;

 private:
  distributed::Group world_;
  RunFolder folder_;
  int64_t generation_;
  Warn warn_;
  mutable std::mutex mutex_;
};

}  // namespace lodestone::coordinator
