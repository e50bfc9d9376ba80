#include "distributed/backends/backend.h"
#include "distributed/backends/cuda_module.h"

namespace lodestone {

using Started = std::unique_ptr<StartedBackend>;

Started start_local(LaunchInfo& info, const Environment& environment, bool cuda);
Started start_mpi(LaunchInfo& info, const Environment& environment, bool cuda);
Started start_nccl(LaunchInfo& info, const Environment& environment, bool cuda);

namespace {

std::string no_problem() {
  return "";
}

constexpr BackendRow kRows[] = {
    {"local", no_problem, [](const LaunchInfo& info, bool) { return info.world == 1; }, start_local},
    {"mpi", no_problem, [](const LaunchInfo& info, bool cuda) { return info.world != 1 && !cuda; },
     start_mpi},
    {"nccl", cuda_module_problem, [](const LaunchInfo& info, bool cuda) { return info.world != 1 && cuda; },
     start_nccl},
};

}  // namespace

std::span<const BackendRow> backend_rows() {
  return kRows;
}

}  // namespace lodestone
