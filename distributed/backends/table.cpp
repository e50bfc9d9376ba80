#include "distributed/backends/backend.h"
#include "distributed/backends/cuda_module.h"

namespace lodestone::distributed {

using Started = std::unique_ptr<StartedBackend>;

Started start_local(LaunchInfo& info, const Environment& environment, bool cuda);
Started start_mpi(LaunchInfo& info, const Environment& environment, bool cuda);
Started start_nccl(LaunchInfo& info, const Environment& environment, bool cuda);

namespace {

std::string no_problem() {
  return "";
}

bool one_rank(const LaunchInfo& info, bool) {
  return info.world == 1;
}

bool ranks_on_cpus(const LaunchInfo& info, bool cuda) {
  return info.world != 1 && !cuda;
}

bool ranks_on_gpus(const LaunchInfo& info, bool cuda) {
  return info.world != 1 && cuda;
}

constexpr BackendRow kRows[] = {
    {.name = kLocalBackend, .problem = no_problem, .automatic = one_rank, .start = start_local},
    {.name = "mpi", .problem = no_problem, .automatic = ranks_on_cpus, .start = start_mpi},
    {.name = "nccl", .problem = cuda_module_problem, .automatic = ranks_on_gpus, .start = start_nccl},
};

}  // namespace

std::span<const BackendRow> backend_rows() {
  return kRows;
}

}  // namespace lodestone::distributed
