// The program itself does not link CUDA, so it also runs on hosts without it.

#include "distributed/backends/cuda_module.h"

#include <filesystem>
#include <vector>

#include <dlfcn.h>

#include "common/error.h"
#include "common/paths.h"

namespace lodestone::distributed {

namespace {

std::vector<std::string> places() {
  std::error_code ignored;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  return {folder / LODESTONE_NCCL_MODULE, folder / "../lib" / LODESTONE_NCCL_MODULE,
          folder / "distributed" / LODESTONE_NCCL_MODULE, LODESTONE_NCCL_MODULE_BUILT};
}

const CudaModule* open_module(std::string& problem) {
  std::string where = places().back();
  for (const std::string& place : places()) {
    if (path_exists(place)) {
      where = place;
      break;
    }
  }
  void* const library = ::dlopen(where.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    problem = std::string("the CUDA module cannot be loaded: ") + ::dlerror() +
              "; install CUDA and NCCL where the loader finds them (LD_LIBRARY_PATH)";
    return nullptr;
  }
  const auto describe = reinterpret_cast<const CudaModule* (*)()>(::dlsym(library, "lodestone_cuda_module"));
  if (describe == nullptr) {
    problem = where + " belongs to another build: install the one of this build";
    return nullptr;
  }
  return describe();
}

struct Loaded {
  std::string problem;
  const CudaModule* module = open_module(problem);
};

// Libraries stay loaded, since LibTorch registers itself: the state belongs to the process.
const Loaded& loaded() {
  static const Loaded once;
  return once;
}

}  // namespace

std::string cuda_module_problem() {
  if (!loaded().problem.empty()) return loaded().problem;
  return loaded().module->device_count() > 0 ? "" : "this host has no GPU that CUDA can use";
}

const CudaModule& load_cuda_module() {
  const std::string problem = cuda_module_problem();
  if (!problem.empty()) throw ConfigError("nccl: " + problem + "; or choose device cpu");
  return *loaded().module;
}

}  // namespace lodestone::distributed
