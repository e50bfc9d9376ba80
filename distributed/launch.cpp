#include "distributed/launch.h"

#include <array>
#include <exception>
#include <numeric>
#include <sstream>

#include "common/error.h"
#include "common/host_name.h"
#include "distributed/rendezvous/rendezvous.h"
#include "distributed/transport/cuda_watch.h"
#include "distributed/transport/transport.h"

namespace lodestone {

namespace {

/// Decided before anything is started.
struct Plan {
  bool mpi = false;
  bool cuda = false;
};

struct BackendRow {
  const char* name;
  std::string (*problem)();                        // of the build and the host; "" if none
  Plan (*plan)(const LaunchInfo&, bool use_cuda);  // throws ConfigError if it does not fit the launch
};

std::string no_problem() {
  return "";
}

Plan plan_local(const LaunchInfo& info, bool use_cuda) {
  if (info.world == 1) return {false, use_cuda};
  throw ConfigError("backend local: expected one rank, since its ranks are threads of one process, but " +
                    std::string(name_of(info.source)) + " started " + std::to_string(info.world) +
                    "; choose backend mpi, nccl or auto");
}

Plan plan_mpi(const LaunchInfo& info, bool use_cuda) {
  if (use_cuda && info.world != 1) {
    throw ConfigError("backend mpi: expected device cpu, got cuda; choose backend nccl or auto");
  }
  if (info.has_mpi()) return {true, use_cuda};
  throw ConfigError("backend mpi: expected a launcher that starts MPI ranks, got " +
                    std::string(name_of(info.source)) + "; start with mpirun or srun --mpi=pmix");
}

Plan plan_nccl(const LaunchInfo& info, bool use_cuda) {
  if (!use_cuda)
    throw ConfigError("backend nccl: expected device cuda, got cpu; choose device cuda, or backend mpi");
  return {info.has_mpi(), true};
}

Plan plan_auto(const LaunchInfo& info, bool use_cuda) {
  if (info.world == 1) return plan_local(info, use_cuda);
  return use_cuda ? plan_nccl(info, true) : plan_mpi(info, false);
}

constexpr std::array<BackendRow, 4> kBackends = {{
    {"auto", no_problem, plan_auto},
    {"local", no_problem, plan_local},
    {"mpi", no_problem, plan_mpi},
    {"nccl", cuda_module_problem, plan_nccl},
}};

Plan make_plan(const LaunchOptions& options, const LaunchInfo& info) {
  for (const BackendRow& row : kBackends) {
    if (options.backend != row.name) continue;
    const std::string problem = row.problem();
    if (!problem.empty()) throw ConfigError("backend " + options.backend + ": " + problem);
    if (options.device == DeviceChoice::kCuda) load_cuda_module();
    const bool found = options.device == DeviceChoice::kAuto && cuda_module_problem().empty();
    return row.plan(info, found || options.device == DeviceChoice::kCuda);
  }
  throw ConfigError("launch: expected backend auto, local, mpi or nccl, got '" + options.backend + "'");
}

void check_mpi_world(const MpiRuntime& mpi, LaunchInfo& info) {
  if (info.world != 0 && (mpi.size() != info.world || mpi.rank() != info.rank)) {
    throw ConfigError(
        "launch: " + std::string(name_of(info.source)) + " says rank " + std::to_string(info.rank) + " of " +
        std::to_string(info.world) + ", MPI says rank " + std::to_string(mpi.rank()) + " of " +
        std::to_string(mpi.size()) +
        "; the launcher and this program's MPI do not know each other: use the mpirun of the MPI it was "
        "built with, or srun --mpi=pmix");
  }
  info.rank = mpi.rank();
  info.world = mpi.size();
}

// If the launcher did not say who is on this host. All ranks have the same launcher, so all ranks ask or
// none.
void find_place(MpiRuntime& mpi, LaunchInfo& info) {
  if (info.local_world != 0) return;
  const MpiPlace place = mpi.place();
  info.local_rank = place.local_rank;
  info.local_world = place.local_world;
}

}  // namespace

struct Launch::Parts {
  LaunchInfo info;
  int unwinding = std::uncaught_exceptions();
  std::unique_ptr<MpiRuntime> mpi;
  std::shared_ptr<ControlPlane> control;
  std::shared_ptr<GroupState> world;
  int cuda_index = -1;
  std::unique_ptr<CudaWatch> watch;

  void start(const LaunchOptions& options, const Plan& plan, const Environment& environment);
  void end() noexcept;
  ~Parts() { end(); }
};

void Launch::Parts::start(const LaunchOptions& options, const Plan& plan, const Environment& environment) {
  if (plan.mpi) {
    mpi = start_mpi();
    check_mpi_world(*mpi, info);
    find_place(*mpi, info);
  }
  if (plan.cuda) cuda_index = load_cuda_module().select_device(info.local_rank);
  if (info.world == 1) {
    world = single_group().share();
    world->members.options = options.group;
    world->cuda_index = cuda_index;
    return;
  }
  ControlOptions wanted;
  wanted.rank = info.rank;
  wanted.world = info.world;
  wanted.peer_timeout = options.peer_timeout;
  wanted.generation = info.generation;
  wanted.token = info.token;
  wanted.loopback = info.local_world == info.world;
  wanted.host = wanted.loopback ? "127.0.0.1" : host_name();
  control = mpi ? meet_over_mpi(wanted, *mpi) : meet_at_master(wanted, info, environment);

  Members members{"world", info.rank, {}, std::make_shared<GroupContext>(info.rank, control), options.group};
  members.world_ranks.resize(static_cast<size_t>(info.world));
  std::iota(members.world_ranks.begin(), members.world_ranks.end(), 0);
  world = std::make_shared<GroupState>();
  world->members = members;
  world->local_rank = info.local_rank;
  world->host = host_name();
  world->cuda_index = cuda_index;
  if (mpi) world->cpu = mpi->world(members);
  if (plan.cuda) {
    watch = std::make_unique<CudaWatch>(members.context);
    world->open_cuda("nccl");
  }
  world->backend = std::string(mpi ? "mpi" : "") + (mpi && plan.cuda ? "+" : "") + (plan.cuda ? "nccl" : "");
}

void Launch::Parts::end() noexcept {
  bool failed = std::uncaught_exceptions() > unwinding || (control && !world);
  try {
    if (failed && control) control->report("this rank was ended by an error of its own");
    // MPI_Finalize waits for every rank without limit; a barrier waits under the control plane's supervision.
    if (!failed && world) Group(world).barrier();
  } catch (const std::exception&) {
    failed = true;
  }
  if (world) world->close_cuda(failed);
  watch.reset();
  if (mpi) mpi->close(failed);
  if (control) control->leave();
  control.reset();
}

Launch::Launch(const LaunchOptions& options, const Environment& environment)
    : parts_(std::make_unique<Parts>()) {
  parts_->info = discover_launch(environment);
  const Plan plan = make_plan(options, parts_->info);
  parts_->start(options, plan, environment);
}

Launch::~Launch() = default;

const LaunchInfo& Launch::info() const {
  return parts_->info;
}
Group Launch::world() const {
  return Group(parts_->world);
}
std::shared_ptr<ControlPlane> Launch::control() const {
  return parts_->control;
}

c10::Device Launch::device() const {
  if (parts_->cuda_index < 0) return c10::Device(c10::kCPU);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(parts_->cuda_index));
}

std::vector<BackendStatus> backend_table() {
  std::vector<BackendStatus> table;
  for (const BackendRow& row : kBackends) {
    if (std::string_view(row.name) != "auto") table.push_back({row.name, row.problem()});
  }
  return table;
}

}  // namespace lodestone
