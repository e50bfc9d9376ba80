#include "common/error.h"
#include "distributed/backends/backend.h"
#include "distributed/backends/mpi_runtime.h"

namespace lodestone::distributed {

namespace {

class MpiBackend : public StartedBackend {
 public:
  explicit MpiBackend(LaunchInfo& info) : mpi_(info) {}

  std::shared_ptr<ControlPlane> rendezvous(ControlOptions wanted) override {
    return mpi_.rendezvous(std::move(wanted));
  }

  void open(GroupState& world) override {
    world.cpu = mpi_.world(world.members);
    world.backend = "mpi";
  }

  void close(bool failed) noexcept override { mpi_.close(failed); }

 private:
  MpiRuntime mpi_;
};

}  // namespace

std::unique_ptr<StartedBackend> start_mpi(LaunchInfo& info, const Environment&, bool cuda) {
  if (cuda && info.world != 1)
    throw ConfigError("backend mpi: expected device cpu, got cuda; choose backend nccl or auto");
  if (info.has_mpi()) return std::make_unique<MpiBackend>(info);
  throw ConfigError("backend mpi: expected a launcher that starts MPI ranks, got " +
                    std::string(name_of(info.launcher)) + "; start with mpirun or srun --mpi=pmix");
}

}  // namespace lodestone::distributed
