#include "distributed/launch.h"

#include <exception>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "common/host_name.h"
#include "common/text_format.h"
#include "distributed/backends/backend.h"
#include "distributed/backends/cuda_module.h"

namespace lodestone::distributed {

namespace {

constexpr const char* kAuto = "auto";

bool uses_cuda(DeviceChoice device) {
  if (device == DeviceChoice::kAuto) return cuda_module_problem().empty();
  if (device == DeviceChoice::kCuda) load_cuda_module();
  return device == DeviceChoice::kCuda;
}

const BackendRow& choose_backend(const std::string& name, const LaunchInfo& info, bool cuda) {
  for (const BackendRow& row : backend_rows()) {
    if (name == kAuto ? !row.automatic(info, cuda) : name != row.name) continue;
    const std::string problem = row.problem();
    if (!problem.empty()) throw ConfigError("backend " + name + ": " + problem);
    return row;
  }
  throw ConfigError("launch: expected one of the backends " + joined(backend_names()) + ", got '" + name +
                    "'");
}

}  // namespace

struct Launch::Impl {
  LaunchInfo info;
  int unwinding = std::uncaught_exceptions();
  std::unique_ptr<StartedBackend> backend;
  std::shared_ptr<ControlPlane> control;
  std::shared_ptr<GroupState> world;
  int cuda_index = -1;

  void start(const LaunchOptions& options, const Environment& environment);
  void end() noexcept;
  ~Impl() { end(); }
};

void Launch::Impl::start(const LaunchOptions& options, const Environment& environment) {
  info = discover_launch(environment);
  const bool cuda = uses_cuda(options.device);
  backend = choose_backend(options.backend, info, cuda).start(info, environment, cuda);
  if (cuda) cuda_index = load_cuda_module().select_device(info.local_rank);
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
  control = backend->rendezvous(wanted);

  Members members{"world", info.rank, {}, std::make_shared<GroupContext>(info.rank, control), options.group};
  members.world_ranks.resize(static_cast<size_t>(info.world));
  std::iota(members.world_ranks.begin(), members.world_ranks.end(), 0);
  world = std::make_shared<GroupState>();
  world->members = std::move(members);
  world->local_rank = info.local_rank;
  world->host = host_name();
  world->cuda_index = cuda_index;
  backend->open(*world);
}

void Launch::Impl::end() noexcept {
  bool failed = std::uncaught_exceptions() > unwinding || (control && !world);
  try {
    if (failed && control) control->report("this rank ended with an error");
    // MPI_Finalize waits for every rank without limit; a barrier waits under the control plane's supervision.
    if (!failed && world) Group(world).barrier();
  } catch (const std::exception&) {
    failed = true;
  }
  if (world) world->close_cuda(failed);
  if (backend) backend->close(failed);
  if (control) control->leave();
  control.reset();
}

Launch::Launch(const LaunchOptions& options, const Environment& environment)
    : impl_(std::make_unique<Impl>()) {
  impl_->start(options, environment);
}

Launch::~Launch() = default;

const LaunchInfo& Launch::info() const {
  return impl_->info;
}
Group Launch::world() const {
  return Group(impl_->world);
}
std::shared_ptr<ControlPlane> Launch::control() const {
  return impl_->control;
}

bool Launch::lacks_token() const {
  return impl_->info.world > 1 && impl_->info.token.empty() && impl_->backend->needs_token();
}

c10::Device Launch::device() const {
  if (impl_->cuda_index < 0) return c10::Device(c10::kCPU);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(impl_->cuda_index));
}

std::vector<const char*> backend_names() {
  std::vector<const char*> names{kAuto};
  for (const BackendRow& row : backend_rows()) names.push_back(row.name);
  return names;
}

std::vector<BackendStatus> backend_table() {
  std::vector<BackendStatus> table;
  for (const BackendRow& row : backend_rows()) table.push_back({row.name, row.problem()});
  return table;
}

std::string gpu_problem() {
  return cuda_module_problem();
}

}  // namespace lodestone::distributed
