#include "distributed/backends/nccl.h"

#include <optional>

#include "common/error.h"
#include "distributed/backends/backend.h"
#include "distributed/backends/cuda_module.h"
#include "distributed/backends/mpi_runtime.h"
#include "distributed/control/sealing_store.h"
#include "distributed/rendezvous/rendezvous.h"
#include "distributed/transport/cuda_watch.h"

namespace lodestone::distributed {

void open_nccl(GroupState& state, const std::string& purpose) {
  const auto& context = state.members.context;
  const auto refused = [known = std::weak_ptr(context)](const std::string& what) {
    if (const auto alive = known.lock()) alive->fail(what);
  };
  state.cuda = load_cuda_module().make_nccl(state.members, open_store(*context->control(), purpose, refused),
                                            state.cuda_index);
  context->add_cuda_group(state.weak_from_this());
}

namespace {

/// Tensors on GPUs over NCCL; under an MPI launcher, tensors on the CPU over MPI.
class NcclBackend : public StartedBackend {
 public:
  NcclBackend(LaunchInfo& info, const Environment& environment) : environment_(environment) {
    if (info.has_mpi()) mpi_.emplace(info);
    info_ = info;
  }

  std::shared_ptr<ControlPlane> rendezvous(ControlOptions wanted) override {
    return mpi_ ? mpi_->rendezvous(std::move(wanted))
                : rendezvous_at_master(std::move(wanted), info_, environment_);
  }

  bool needs_token() const override { return !mpi_; }

  void open(GroupState& world) override {
    if (mpi_) world.cpu = mpi_->world(world.members);
    watch_.emplace(world.members.context);
    open_nccl(world, "nccl");
    world.backend = mpi_ ? "mpi+nccl" : "nccl";
  }

  void close(bool failed) noexcept override {
    watch_.reset();
    if (mpi_) mpi_->close(failed);
  }

 private:
  const Environment environment_;
  LaunchInfo info_;
  std::optional<MpiRuntime> mpi_;
  std::optional<CudaWatch> watch_;
};

}  // namespace

std::unique_ptr<StartedBackend> start_nccl(LaunchInfo& info, const Environment& environment, bool cuda) {
  if (!cuda)
    throw ConfigError("backend nccl: expected device cuda, got cpu; choose device cuda, or backend mpi");
  return std::make_unique<NcclBackend>(info, environment);
}

}  // namespace lodestone::distributed
