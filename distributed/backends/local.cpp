#include "common/error.h"
#include "distributed/backends/backend.h"

namespace lodestone::distributed {

std::unique_ptr<StartedBackend> start_local(LaunchInfo& info, const Environment&, bool) {
  if (info.world == 1) return nullptr;
  throw ConfigError("backend local: expected one rank, since its ranks are threads of one process, but " +
                    std::string(name_of(info.source)) + " started " + std::to_string(info.world) +
                    "; choose backend mpi, nccl or auto");
}

}  // namespace lodestone::distributed
