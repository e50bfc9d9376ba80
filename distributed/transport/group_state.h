#pragma once

// Internal to distributed/, since it has c10d types: include it from .cpp files only.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <torch/csrc/distributed/c10d/Backend.hpp>

#include "distributed/transport/members.h"
#include "distributed/transport/traffic.h"
#include "distributed/transport/transport.h"

namespace lodestone::distributed {

/// The state shared by the copies of a Group.
struct GroupState : std::enable_shared_from_this<GroupState> {
  Members members;
  int local_rank = 0;
  std::string host;                        ///< equal for ranks of one host
  std::string backend;                     ///< its name, for people
  c10::intrusive_ptr<Transport> cpu;       ///< null for a single rank and in jobs with GPUs only
  c10::intrusive_ptr<c10d::Backend> cuda;  ///< null without NCCL
  int cuda_index = -1;
  std::mutex mutex;  ///< guards the members below
  Traffic traffic;
  std::map<std::string, double> seconds;  ///< by operation, spent by callers starting and awaiting
  int64_t splits = 0;
  uint64_t cuda_calls = 0;

  ~GroupState() { close_cuda(false); }
  /// Aborts calls in progress on the device, which would wait for a lost rank forever. Safe from any thread.
  void abort_cuda() noexcept;
  /// Closes NCCL while its ranks and its store still exist: in order, or immediately after a failure.
  void close_cuda(bool failed) noexcept;
};

/// Adds one call and `bytes` to the row of the state's Traffic that `operation` points to.
void count_traffic(GroupState& state, CallTraffic Traffic::*operation, int64_t bytes);
/// Adds to the seconds of an operation.
void count_seconds(GroupState& state, const char* operation, double seconds);

}  // namespace lodestone::distributed
