#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "distributed/transport/context.h"

namespace lodestone {

/// Ends what the groups of a rank do on its GPU once the job has failed. NCCL's kernels wait for a rank that is gone as long as the
/// device runs, and whoever asks the device for a number waits with them, within LibTorch, where no deadline reaches. So a thread
/// of its own looks for the failure and aborts them; the training thread goes on from where it was and meets the failure at
/// its next look at the group. Internal to distributed/. Threads: construct and destroy on the same one.
class CudaWatch {
 public:
  explicit CudaWatch(std::shared_ptr<GroupContext> context);
  ~CudaWatch();
  CudaWatch(const CudaWatch&) = delete;
  CudaWatch& operator=(const CudaWatch&) = delete;

 private:
  void run();

  const std::shared_ptr<GroupContext> context_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace lodestone
