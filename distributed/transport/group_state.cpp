#include "distributed/transport/group_state.h"

#include <exception>

namespace lodestone::distributed {

void GroupState::abort_cuda() noexcept {
  c10::intrusive_ptr<c10d::Backend> nccl;
  {
    std::scoped_lock lock(mutex);
    nccl = cuda;
  }
  try {
    if (nccl) nccl->abort();
  } catch (const std::exception&) {  // the job has failed already
  }
}

void GroupState::close_cuda(bool failed) noexcept {
  c10::intrusive_ptr<c10d::Backend> nccl;
  {
    std::scoped_lock lock(mutex);
    nccl.swap(cuda);
  }
  if (!nccl) return;
  try {
    if (failed || std::uncaught_exceptions() > 0 || members.context->failure())
      nccl->abort();
    else
      nccl->shutdown();
  } catch (const std::exception&) {  // the process frees the rest at its end
  }
}

void count_traffic(GroupState& state, CallTraffic Traffic::*operation, int64_t bytes) {
  std::scoped_lock lock(state.mutex);
  CallTraffic& row = state.traffic.*operation;
  ++row.calls;
  row.bytes += bytes;
}

void count_seconds(GroupState& state, const char* operation, double seconds) {
  const std::scoped_lock lock(state.mutex);
  state.seconds[operation] += seconds;
}

}  // namespace lodestone::distributed
