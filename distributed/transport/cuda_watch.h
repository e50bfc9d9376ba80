#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "distributed/transport/context.h"

namespace lodestone::distributed {

/// Aborts the NCCL calls of a rank's groups once the job has failed. NCCL's kernels wait for a lost rank
/// without limit; whoever reads a number from the device waits with them, inside LibTorch, where no deadline
/// applies. So a separate thread watches for the failure and aborts the kernels. The training thread then
/// continues and finds the failure at its next check of the group. Internal to distributed/.
/// Threads   construct and destroy on the same one.
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

}  // namespace lodestone::distributed
