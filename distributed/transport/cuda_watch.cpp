#include "distributed/transport/cuda_watch.h"

#include <chrono>
#include <vector>

#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

namespace {
constexpr std::chrono::milliseconds kPollInterval{100};
}

CudaWatch::CudaWatch(std::shared_ptr<GroupContext> context)
    : context_(std::move(context)), thread_([this] { run(); }) {}

CudaWatch::~CudaWatch() {
  {
    std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CudaWatch::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPollInterval, [this] { return ending_; })) {
    if (!context_->failure()) continue;
    // In parallel: an abort may wait for the device, and so for the kernel of a group that has not been
    // aborted yet.
    std::vector<std::thread> aborts;
    for (const auto& group : context_->cuda_groups()) aborts.emplace_back([group] { group->abort_cuda(); });
    for (std::thread& abort : aborts) abort.join();
    return;
  }
}

}  // namespace lodestone::distributed
