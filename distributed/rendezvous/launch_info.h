#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace lodestone {

/// Looks an environment variable up; a value so that tests need no real environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's own environment.
Environment process_environment();

/// What the launcher told this process.
struct LaunchInfo {
  /// Who spoke: kNone is a process on its own; kPmix knows no world (0) before MPI_Init.
  enum class Source { kNone, kOpenMpi, kMvapich, kPmi, kPmix, kSlurm, kTorchrun };

  Source source = Source::kNone;
  int rank = 0;
  int world = 1;  ///< 0: not told, MPI will say
  int local_rank = 0;
  int local_world = 1;         ///< 0: not told
  std::string master_address;  ///< MASTER_ADDR, or ""
  int master_port = 0;         ///< MASTER_PORT where ranks meet there, or 0
  /// Restarts so far: LODESTONE_GENERATION, TORCHELASTIC_RESTART_COUNT or SLURM_RESTART_COUNT.
  int64_t generation = 0;
  std::string token;  ///< LODESTONE_JOB_TOKEN, or torchrun's TORCHELASTIC_RUN_ID, or "": see seal.h

  /// Whether MPI_Init will find its peers.
  bool has_mpi() const;
};

/// "Open MPI", "Slurm", …
const char* name_of(LaunchInfo::Source source);

/// Finds rank and world in the environment. First hit wins: Open MPI (OMPI_COMM_WORLD_*), MVAPICH
/// (MV2_COMM_WORLD_*), MPICH and Intel MPI (PMI_RANK, PMI_SIZE, MPI_LOCALRANKID), PMIx (PMIX_RANK), Slurm
/// (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID), torchrun (RANK, WORLD_SIZE, LOCAL_RANK); else a process on
/// its own. A later one that contradicts the first is an error, with one exception: what Slurm says of a
/// batch script, of salloc's shell or of mpirun's own daemons does not describe ranks that mpirun started there. A variable
/// that this launch doesn't need may hold anything: MASTER_PORT under mpirun is Kubernetes' as likely as torchrun's.
/// Throws     ConfigError naming both variables if two contradict; the variable if one is needed and malformed,
///            lacks its partner, or a rank lies outside its world.
LaunchInfo discover_launch(const Environment& environment);

}  // namespace lodestone
