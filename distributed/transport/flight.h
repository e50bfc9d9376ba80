#pragma once

#include <functional>

#include "distributed/transport/transport.h"

namespace lodestone {

/// A collective on its way: what Pending holds. Internal.
struct Flight {
  std::shared_ptr<GroupState> state;
  const char* verb = "";
  c10::intrusive_ptr<c10d::Work> work;          ///< null once landed, or if nothing had to be sent
  at::Tensor wire;                              ///< where the backend writes the result
  at::Tensor target;                            ///< the caller's tensor, when the result belongs in it
  c10::Device device = c10::Device(c10::kCPU);  ///< where the caller wants the result
  uint64_t call = 0;                            ///< on CUDA: its number, for the control plane
  uint64_t sequence = 0;                        ///< on CUDA: its number in the flight record
  Clock::time_point deadline;
};

/// A flight that needs no sending.
std::shared_ptr<Flight> landed(const at::Tensor& result);

/// Starts a collective on the backend that carries `wire`. `target` may be undefined.
std::shared_ptr<Flight> take_off(const std::shared_ptr<GroupState>& state, const char* verb,
                                 const at::Tensor& wire, const at::Tensor& target, c10::Device device,
                                 const std::function<c10::intrusive_ptr<c10d::Work>(c10d::Backend&)>& begin);

/// Waits until a GPU is done with a call, since NCCL's own wait only orders streams: a lost peer, a broken connection or a call that takes
/// longer than the deadline fails the job, ends what the group does on the GPU and throws CommError. `call`: its number, or 0, to tell
/// who is late.
void await_on_cuda(GroupState& state, const char* verb, c10d::Work& work, Clock::time_point deadline,
                   uint64_t call);

/// What a backend threw, as the job's failure: CommError. On a GPU the control plane has some seconds to tell whose rank is lost.
[[noreturn]] void rethrow_as_comm_error(GroupState& state, const char* verb, const std::exception& cause,
                                        bool on_cuda);

/// Waits for it and brings the result to where the caller wants it.
at::Tensor land(Flight& flight);

}  // namespace lodestone
