#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "distributed/transport/flight_record.h"

namespace lodestone::distributed {

class ControlPlane;
struct GroupState;

/// The state shared by all groups of one rank: its step, its link to the control plane, and the first
/// failure, which is final. Internal to distributed/.
/// Threads   all methods are safe concurrently.
class GroupContext {
 public:
  /// `control` is null where ranks cannot die on their own (threads of one process, a single rank).
  GroupContext(int world_rank, std::shared_ptr<ControlPlane> control);

  int world_rank() const { return world_rank_; }
  const std::shared_ptr<ControlPlane>& control() const { return control_; }
  FlightRecord& record() { return record_; }
  int64_t step() const { return step_.load(std::memory_order_relaxed); }
  void set_step(int64_t step);

  /// Reports to the control plane that this rank has entered call number `call` of `group`.
  void entered(const std::string& group, uint64_t call, const char* operation);

  /// Why no collective can work any more; empty if there is no failure. Cheap: it is polled during waits.
  std::optional<std::string> failure();
  /// Records `what` as the failure unless there is one already, and reports it and `code` to the other ranks
  /// (ControlPlane::report).
  void fail(const std::string& what, int code = 0);
  /// Throws the CommError for `operation` if there is a failure.
  void check(const char* operation);
  /// "group all_reduce (rank 3, step 120): <what>; <next step>" as a CommError.
  std::exception_ptr error(const char* operation, const std::string& what) const;

  /// Registers a group with calls on a device. cuda_watch.h aborts such calls after a failure.
  void add_cuda_group(std::weak_ptr<GroupState> group);
  std::vector<std::shared_ptr<GroupState>> cuda_groups();

  /// Which ranks have not entered call `call` of `group`, in words; "" if that is not known. May take a
  /// second.
  std::string late(const std::string& group, uint64_t call, const std::vector<int>& world_ranks);

 private:
  const int world_rank_;
  const std::shared_ptr<ControlPlane> control_;
  FlightRecord record_;
  std::atomic<int64_t> step_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::string failure_;
  std::vector<std::weak_ptr<GroupState>> cuda_groups_;
};

}  // namespace lodestone::distributed
