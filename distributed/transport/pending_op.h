#pragma once

#include <functional>

#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

/// A pending collective: the state behind Pending. Internal.
struct PendingOp {
  std::shared_ptr<GroupState> state;
  const char* operation = "";
  c10::intrusive_ptr<c10d::Work> work;          ///< null once complete, or if nothing had to be sent
  at::Tensor wire;                              ///< where the backend writes the result
  at::Tensor target;                            ///< the caller's tensor, if the result belongs there
  c10::Device device = c10::Device(c10::kCPU);  ///< where the caller needs the result
  uint64_t call = 0;                            ///< on CUDA: its number, for the control plane
  uint64_t sequence = 0;                        ///< on CUDA: its number in the flight record
  Clock::time_point deadline;
};

/// A completed collective that needed no communication.
std::shared_ptr<PendingOp> completed_op(const at::Tensor& result);

/// Starts a collective on the backend for the device of `wire`. `target` may be undefined.
std::shared_ptr<PendingOp> start_op(
    const std::shared_ptr<GroupState>& state, const char* operation, const at::Tensor& wire,
    const at::Tensor& target, c10::Device device,
    const std::function<c10::intrusive_ptr<c10d::Work>(c10d::Backend&)>& begin);

/// Waits until a GPU has finished a call, since NCCL's own wait only orders streams. After a lost rank, a
/// broken connection or the deadline, it fails the job, aborts the group's calls on the GPU and throws
/// CommError. `call` is the call's number, used to find out who is late, or 0.
void await_on_cuda(GroupState& state, const char* operation, c10d::Work& work, Clock::time_point deadline,
                   uint64_t call);

/// Rethrows a backend's exception as the job's failure, a CommError. With a GPU, it gives the control plane
/// some seconds to find out which rank is lost.
[[noreturn]] void rethrow_as_comm_error(GroupState& state, const char* operation, const std::exception& cause,
                                        bool on_cuda);

/// Waits for the collective and moves the result to where the caller needs it.
at::Tensor wait_for_op(PendingOp& op);

}  // namespace lodestone::distributed
