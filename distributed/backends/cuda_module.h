#pragma once

// Internal to distributed/, since it has c10d types: include it from .cpp files only.

#include <string>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/transport/members.h"

namespace lodestone::distributed {

/// The functions of the CUDA module (liblodestone_nccl.so). In builds without it, no_cuda_module.cpp replaces
/// cuda_module.cpp.
struct CudaModule {
  int (*device_count)();
  /// Makes this rank's GPU current and returns its index; throws if it is absent.
  int (*select_device)(int local_rank);
  c10::intrusive_ptr<c10d::Backend> (*make_nccl)(const Members& members,
                                                 c10::intrusive_ptr<c10d::Store> store, int device_index);
};
/// Loads the module once. Throws ConfigError saying what is missing.
const CudaModule& load_cuda_module();
/// Why load_cuda_module would throw, or "" if it would not.
std::string cuda_module_problem();

}  // namespace lodestone::distributed
