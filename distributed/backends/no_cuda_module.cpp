// Replaces cuda_module.cpp in builds without CUDA.

#include "common/error.h"
#include "distributed/backends/cuda_module.h"

namespace lodestone::distributed {

std::string cuda_module_problem() {
  return "this build has no CUDA support: configure with LODESTONE_CUDA=ON on a host with the CUDA toolkit "
         "and NCCL";
}

const CudaModule& load_cuda_module() {
  throw ConfigError("nccl: " + cuda_module_problem());
}

}  // namespace lodestone::distributed
