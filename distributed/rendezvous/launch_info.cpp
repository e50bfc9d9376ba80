#include "distributed/rendezvous/launch_info.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstdlib>

#include "common/error.h"

namespace lodestone::distributed {

namespace {

using Launcher = LaunchInfo::Launcher;

/// The variables that one launcher sets. Null: it has none for that.
struct Dialect {
  Launcher launcher;
  const char* rank;
  const char* world;
  const char* local_rank;
  const char* local_world;
};

constexpr std::array<Dialect, 6> kDialects = {{
    {Launcher::kOpenMpi, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {Launcher::kMvapich, "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK",
     "MV2_COMM_WORLD_LOCAL_SIZE"},
    {Launcher::kPmi, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    {Launcher::kPmix, "PMIX_RANK", nullptr, nullptr, nullptr},
    {Launcher::kSlurm, "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", nullptr},
    {Launcher::kTorchrun, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
}};

// Kubernetes sets variables for the services of a namespace: a service called `master` gives
// MASTER_PORT=tcp://10.0.0.7:29500.
std::string remedy(const std::string& name, const std::string& text) {
  if (!name.ends_with("_PORT") || text.find("://") == std::string::npos)
    return "; unset it or correct the launcher";
  std::string service = name.substr(0, name.size() - std::string_view("_PORT").size());
  for (char& letter : service) letter = letter == '_' ? '-' : static_cast<char>(std::tolower(letter));
  return ", which Kubernetes sets for a service called '" + service +
         "'; set enableServiceLinks: false in the pod's spec, or rename the service";
}

// `most` is the largest value that a launcher can mean; ranks and worlds are ints.
std::optional<int64_t> number(const Environment& environment, const char* name, int64_t most = INT32_MAX) {
  if (name == nullptr) return std::nullopt;
  const auto text = environment(name);
  if (!text || text->empty()) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0 || value > most) {
    throw ConfigError("launch: expected a whole number of at most " + std::to_string(most) + " in " + name +
                      ", got '" + *text + "'" + remedy(name, *text));
  }
  return value;
}

std::string setting(const char* name, int64_t value) {
  return std::string(name) + "=" + std::to_string(value);
}

// A batch script, and the shell that salloc opens, are one process each, whatever the task count of their
// job.
bool is_alone_in_slurm(const Environment& environment) {
  constexpr int64_t kInteractiveStep = 4294967290;  // the lowest id of steps that srun did not make
  const auto step = number(environment, "SLURM_STEP_ID", INT64_MAX);
  return (!step || *step >= kInteractiveStep) && number(environment, "SLURM_PROCID").value_or(0) == 0;
}

struct Words {
  Dialect dialect;
  int64_t rank;
  std::optional<int64_t> world;
};

// The task count of a step takes precedence over that of its job.
const char* world_name(const Environment& environment, const Dialect& dialect) {
  const bool step = dialect.launcher == Launcher::kSlurm && environment("SLURM_STEP_NUM_TASKS");
  return step ? "SLURM_STEP_NUM_TASKS" : dialect.world;
}

std::optional<Words> listen(const Environment& environment, const Dialect& spoken) {
  Dialect dialect = spoken;
  const bool slurm = dialect.launcher == Launcher::kSlurm;
  dialect.world = world_name(environment, dialect);
  // salloc and sbatch export SLURM_NTASKS alone, without having started any rank.
  if (slurm && !environment(dialect.rank)) return std::nullopt;
  if (slurm && is_alone_in_slurm(environment)) return std::nullopt;
  const auto rank = number(environment, dialect.rank);
  const auto world = number(environment, dialect.world);
  if (!rank && !world) return std::nullopt;
  if (!rank || (!world && dialect.world != nullptr)) {
    const char* have = rank ? dialect.rank : dialect.world;
    const char* lack = rank ? dialect.world : dialect.rank;
    throw ConfigError(std::string("launch: ") + have + " is set, but " + lack +
                      " is not; set both or neither");
  }
  if (world && *rank >= *world) {
    throw ConfigError("launch: expected a rank below the world size, got " + setting(dialect.rank, *rank) +
                      " and " + setting(dialect.world, *world));
  }
  return Words{dialect, *rank, world};
}

// Once rank and world are known, variables of other launchers can only confirm them. Malformed ones are
// ignored: they may be left over from elsewhere.
std::optional<Words> read_ambient(const Environment& environment, const Dialect& dialect) {
  try {
    return listen(environment, dialect);
  } catch (const ConfigError&) {
    return std::nullopt;
  }
}

void check_agreement(const Words& first, const Words& later) {
  if (later.rank != first.rank) {
    throw ConfigError("launch: " + setting(first.dialect.rank, first.rank) + " contradicts " +
                      setting(later.dialect.rank, later.rank) +
                      "; start the job with one launcher, or unset the variables of the other");
  }
  if (first.world && later.world && *first.world != *later.world) {
    throw ConfigError("launch: " + setting(first.dialect.world, *first.world) + " contradicts " +
                      setting(later.dialect.world, *later.world) +
                      "; start the job with one launcher, or unset the variables of the other");
  }
}

void read_place(const Environment& environment, const Dialect& dialect, LaunchInfo& info) {
  info.local_rank = static_cast<int>(number(environment, dialect.local_rank).value_or(info.local_rank));
  info.local_world = static_cast<int>(number(environment, dialect.local_world).value_or(info.local_world));
}

// Only for ranks that meet at that address.
void read_master(const Environment& environment, LaunchInfo& info) {
  info.master_port = static_cast<int>(number(environment, "MASTER_PORT").value_or(0));
  if (info.master_port > 65535)
    throw ConfigError("launch: expected MASTER_PORT below 65536, got " + std::to_string(info.master_port));
  const std::string& address = info.master_address;
  const bool here = address == "localhost" || address == "::1" || address.starts_with("127.");
  const bool one_node =
      info.launcher == Launcher::kSlurm && number(environment, "SLURM_STEP_NUM_NODES").value_or(0) == 1;
  if (info.local_world == 0 && (here || one_node)) info.local_world = info.world;
}

void read_job(const Environment& environment, LaunchInfo& info) {
  info.master_address = environment("MASTER_ADDR").value_or("");
  info.token = environment("LODESTONE_JOB_TOKEN").value_or(environment("TORCHELASTIC_RUN_ID").value_or(""));
  for (const char* name : {"LODESTONE_GENERATION", "TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"}) {
    if (const auto generation = number(environment, name, INT64_MAX)) {
      info.generation = *generation;
      return;
    }
  }
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

bool LaunchInfo::has_mpi() const {
  if (launcher == Launcher::kNone || launcher == Launcher::kTorchrun) return false;
  // srun --mpi=none with a rendezvous address is how torchrun-style jobs run under Slurm.
  return launcher != Launcher::kSlurm || master_address.empty();
}

const char* name_of(LaunchInfo::Launcher launcher) {
  switch (launcher) {
    case Launcher::kOpenMpi:
      return "Open MPI";
    case Launcher::kMvapich:
      return "MVAPICH";
    case Launcher::kPmi:
      return "PMI (MPICH, Intel MPI)";
    case Launcher::kPmix:
      return "PMIx";
    case Launcher::kSlurm:
      return "Slurm";
    case Launcher::kTorchrun:
      return "torchrun";
    case Launcher::kNone:
      break;
  }
  return "no launcher";
}

LaunchInfo discover_launch(const Environment& environment) {
  LaunchInfo info;
  read_job(environment, info);
  std::optional<Words> first;
  for (const Dialect& dialect : kDialects) {
    const bool known = first && first->world;
    const auto words = known ? read_ambient(environment, dialect) : listen(environment, dialect);
    if (!words) continue;
    // The daemons that mpirun starts through srun have Slurm variables of their own, and the ranks started by
    // mpirun inherit them. Slurm's variables count only in a step with one task per rank.
    if (dialect.launcher == Launcher::kSlurm && known && words->world != first->world) continue;
    if (!first) {
      first = words;
      info.launcher = dialect.launcher;
      info.local_world = 0;
      read_place(environment, dialect, info);
      continue;
    }
    check_agreement(*first, *words);
    if (known) continue;
    first->world = words->world;
    read_place(environment, dialect, info);
  }
  if (!first) return info;
  info.rank = static_cast<int>(first->rank);
  info.world = static_cast<int>(first->world.value_or(0));
  if (!info.has_mpi() && info.world != 1) read_master(environment, info);
  return info;
}

}  // namespace lodestone::distributed
