#include "distributed/launch_info.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include "common/error.h"

namespace lodestone {

namespace {

using Source = LaunchInfo::Source;

/// The variables by which one launcher speaks. Null: it has none for that.
struct Dialect {
  Source source;
  const char* rank;
  const char* world;
  const char* local_rank;
  const char* local_world;
};

constexpr std::array<Dialect, 6> kDialects = {{
    {Source::kOpenMpi, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {Source::kMvapich, "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK",
     "MV2_COMM_WORLD_LOCAL_SIZE"},
    {Source::kPmi, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    {Source::kPmix, "PMIX_RANK", nullptr, nullptr, nullptr},
    {Source::kSlurm, "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", nullptr},
    {Source::kTorchrun, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
}};

std::optional<int64_t> number(const Environment& environment, const char* name) {
  if (name == nullptr) return std::nullopt;
  const auto text = environment(name);
  if (!text || text->empty()) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0) {
    throw ConfigError(std::string("launch: expected a whole number in ") + name + ", got '" + *text +
                      "'; unset it or correct the launcher");
  }
  return value;
}

std::string setting(const char* name, int64_t value) {
  return std::string(name) + "=" + std::to_string(value);
}

// A batch script that no srun started is one process, whatever the task count of its job.
bool is_batch_script(const Environment& environment) {
  constexpr int64_t kBatchStep = 4294967291;  // SLURM_BATCH_SCRIPT
  const auto step = number(environment, "SLURM_STEP_ID");
  return (!step || *step == kBatchStep) && number(environment, "SLURM_PROCID").value_or(0) == 0;
}

// The batch script, and the daemons that mpirun starts through srun, have Slurm variables of their own, which
// the ranks that mpirun starts inherit. Only a step with one task per rank may speak for them.
bool slurm_speaks_for_ranks(const Environment& environment, const std::optional<int64_t>& ranks) {
  const auto tasks = number(environment, "SLURM_STEP_NUM_TASKS");
  return !ranks || tasks.value_or(number(environment, "SLURM_NTASKS").value_or(0)) == *ranks;
}

struct Words {
  Dialect dialect;
  int64_t rank;
  std::optional<int64_t> world;
};

std::optional<Words> listen(const Environment& environment, const Dialect& dialect) {
  const auto rank = number(environment, dialect.rank);
  const auto world = number(environment, dialect.world);
  if (!rank && !world) return std::nullopt;
  // SLURM_NTASKS alone is what salloc and sbatch export for whoever reads it: nobody has been started as a
  // rank.
  if (!rank && dialect.source == Source::kSlurm) return std::nullopt;
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

void read_rendezvous(const Environment& environment, LaunchInfo& info) {
  info.master_address = environment("MASTER_ADDR").value_or("");
  info.master_port = static_cast<int>(number(environment, "MASTER_PORT").value_or(0));
  if (info.master_port > 65535)
    throw ConfigError("launch: expected MASTER_PORT below 65536, got " + std::to_string(info.master_port));
  info.token = environment("LODESTONE_JOB_TOKEN").value_or(environment("TORCHELASTIC_RUN_ID").value_or(""));
  for (const char* name : {"LODESTONE_GENERATION", "TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"}) {
    if (const auto generation = number(environment, name)) {
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
  if (source == Source::kNone || source == Source::kTorchrun) return false;
  // srun --mpi=none with a rendezvous address is how torchrun-style jobs run under Slurm.
  return source != Source::kSlurm || master_address.empty();
}

const char* name_of(LaunchInfo::Source source) {
  switch (source) {
    case Source::kOpenMpi:
      return "Open MPI";
    case Source::kMvapich:
      return "MVAPICH";
    case Source::kPmi:
      return "PMI (MPICH, Intel MPI)";
    case Source::kPmix:
      return "PMIx";
    case Source::kSlurm:
      return "Slurm";
    case Source::kTorchrun:
      return "torchrun";
    case Source::kNone:
      break;
  }
  return "no launcher";
}

LaunchInfo discover_launch(const Environment& environment) {
  LaunchInfo info;
  read_rendezvous(environment, info);
  std::optional<Words> first;
  for (const Dialect& dialect : kDialects) {
    const auto words = listen(environment, dialect);
    if (!words) continue;
    const bool slurm = dialect.source == Source::kSlurm;
    if (slurm && is_batch_script(environment)) continue;
    if (slurm && first && !slurm_speaks_for_ranks(environment, first->world)) continue;
    if (first) {
      check_agreement(*first, *words);
      if (!first->world) first->world = words->world;
    } else {
      first = words;
    }
    if (info.source == Source::kNone) {
      info.source = dialect.source;
      info.local_world = 0;
    }
    if (const auto local = number(environment, dialect.local_rank); local && info.local_rank == 0) {
      info.local_rank = static_cast<int>(*local);
    }
    if (const auto local = number(environment, dialect.local_world); local && info.local_world == 0) {
      info.local_world = static_cast<int>(*local);
    }
  }
  if (first) {
    info.rank = static_cast<int>(first->rank);
    info.world = static_cast<int>(first->world.value_or(0));
  }
  return info;
}

}  // namespace lodestone
