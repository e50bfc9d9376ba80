#pragma once

#include <chrono>
#include <cstdint>

namespace lodestone::distributed {

/// Settings of a group, equal on all its ranks.
struct GroupOptions {
  /// How long a rank waits in one collective for the others before it throws a CommError that names the late
  /// ones.
  std::chrono::milliseconds timeout{600'000};
  /// Compares (step, operation, dtype, shape) over ranks before each collective transfers data. Finds
  /// diverging ranks at once and names them. For the cost see call_check.h.
  bool compare_calls = false;
  /// The largest number of elements in one MPI call; larger tensors are divided. MPI counts are int.
  int64_t max_chunk = int64_t{1} << 30;
  /// local_groups only: number of ranks that count as one host, to test splits by host. 0: all.
  int ranks_per_host = 0;
};

}  // namespace lodestone::distributed
