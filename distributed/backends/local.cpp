#include "common/choices.h"
#include "common/error.h"
#include "distributed/backends/backend.h"

namespace lodestone::distributed {

namespace {

bool is_other(const BackendRow& row) {
  return row.name != std::string_view(kLocalBackend);
}

}  // namespace

std::unique_ptr<StartedBackend> start_local(LaunchInfo& info, const Environment&, bool) {
  if (info.world == 1) return nullptr;
  throw ConfigError("backend local: expected one rank, since its ranks are threads of one process, but " +
                    std::string(name_of(info.launcher)) + " started " + std::to_string(info.world) +
                    "; choose backend " + names_that(backend_rows(), is_other) + ", or auto");
}

}  // namespace lodestone::distributed
