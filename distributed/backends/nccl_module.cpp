// liblodestone_nccl.so: everything that needs CUDA at link time. Loaded by cuda_module.cpp.

#include <cstdlib>

#include <c10/cuda/CUDAFunctions.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "common/error.h"
#include "distributed/backends/cuda_module.h"

namespace lodestone::distributed {

namespace {

// The control plane reports failures, with the rank's name, and CudaWatch aborts the calls. NCCL's watchdog
// would end the process before that by a signal. Settings by the user are kept.
void leave_failures_to_us() {
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
  ::setenv("TORCH_NCCL_ENABLE_MONITORING", "0", /*overwrite=*/0);
  ::setenv("TORCH_NCCL_DUMP_ON_TIMEOUT", "0", /*overwrite=*/0);
}

// We wait for calls until the group's timeout. If the user enables NCCL's own watchdog, it acts later.
constexpr auto kWatchdogMargin = std::chrono::seconds(60);

int device_count() {
  return c10::cuda::device_count();
}

int select_device(int local_rank) {
  const int count = device_count();
  // Slurm and Kubernetes bind GPUs by making one visible per rank.
  const int index = count == 1 ? 0 : local_rank;
  if (index >= count) {
    throw ConfigError("cuda: expected a GPU for local rank " + std::to_string(local_rank) + ", got " +
                      std::to_string(count) + " on this host; start fewer ranks per host");
  }
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
  return index;
}

c10::intrusive_ptr<c10d::Backend> make_nccl(const Members& members, c10::intrusive_ptr<c10d::Store> store,
                                            int device_index) {
  leave_failures_to_us();
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = members.options.timeout + kWatchdogMargin;
  options->group_name = members.id;
  for (const int rank : members.world_ranks)
    options->global_ranks_in_group.push_back(static_cast<uint64_t>(rank));
  auto backend =
      c10::make_intrusive<c10d::ProcessGroupNCCL>(std::move(store), members.rank, members.size(), options);
  backend->setBoundDeviceId(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device_index)));
  return backend;
}

}  // namespace

}  // namespace lodestone::distributed

extern "C" __attribute__((visibility("default"))) const lodestone::distributed::CudaModule*
lodestone_cuda_module() {
  static const lodestone::distributed::CudaModule module = {lodestone::distributed::device_count,
                                                            lodestone::distributed::select_device,
                                                            lodestone::distributed::make_nccl};
  return &module;
}
